import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MessageFilter, MessageStore } from './message-store.ts';
import { readMessage, type MessageSummary, type ReadMessage } from './read-message.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 60_000;

export const sendJson = (response: ServerResponse, statusCode: number, body: unknown): void => {
  response.writeHead(statusCode, { 'content-type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
};

const sendProblem = (response: ServerResponse, statusCode: number, code: string, message: string): void =>
  sendJson(response, statusCode, { code, message });

/** Reads and parses one message, or undefined when it is not, or no longer, in the store. */
export const loadMessage = async (store: MessageStore, id: string): Promise<ReadMessage | undefined> => {
  const stored = store.get(id);
  const raw = await store.raw(id);
  return stored === undefined || raw === undefined ? undefined : readMessage(stored, raw);
};

/** Reads what a list shows of each message. */
export const loadSummaries = async (
  store: MessageStore,
  filter: MessageFilter,
): Promise<MessageSummary[]> => {
  const summaries: MessageSummary[] = [];
  for (const { id } of store.list(filter)) {
    const message = await loadMessage(store, id);
    if (message === undefined) continue;
    const { channel, receivedAt, sizeBytes, envelope, from, to, subject } = message;
    summaries.push({ id, channel, receivedAt, sizeBytes, envelope, from, to, subject });
  }
  return summaries;
};

export const filterFrom = (query: URLSearchParams): MessageFilter => ({
  to: query.get('to') || undefined,
  after: query.get('after') || undefined,
});

const timeoutFrom = (query: URLSearchParams): number | undefined => {
  const value = query.get('timeoutMs');
  if (value === null) return DEFAULT_TIMEOUT_MS;
  return /^\d{1,6}$/.test(value) ? Math.min(Number(value), MAX_TIMEOUT_MS) : undefined;
};

const answerNext = async (
  store: MessageStore,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> => {
  const timeoutMs = timeoutFrom(query);
  if (timeoutMs === undefined)
    return sendProblem(response, 400, 'invalid_timeout', 'timeoutMs is a number of milliseconds.');
  const gone = new AbortController();
  request.once('close', () => gone.abort());
  const signal = AbortSignal.any([closing, gone.signal, AbortSignal.timeout(timeoutMs)]);
  const next = await store.next(filterFrom(query), signal);
  const message = next === undefined ? undefined : await loadMessage(store, next.id);
  if (message === undefined)
    return sendProblem(response, 408, 'no_message', `No such message arrived within ${timeoutMs} ms.`);
  return sendJson(response, 200, message);
};

/** Answers everything below /api/messages. `path` is what follows it, without slashes at either end. */
export const answerApi = async (
  store: MessageStore,
  url: URL,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> => {
  if (request.method === 'DELETE' && path === '') {
    store.clear();
    response.writeHead(204).end();
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', path === '' ? 'GET, HEAD, DELETE' : 'GET, HEAD');
    return sendProblem(response, 405, 'method_not_allowed', 'This address does not take that method.');
  }
  if (path === '')
    return sendJson(response, 200, { messages: await loadSummaries(store, filterFrom(url.searchParams)) });
  if (path === 'next') return answerNext(store, url.searchParams, request, response, closing);
  const [id = '', view, ...rest] = path.split('/');
  const message = await loadMessage(store, id);
  if (message === undefined || rest.length > 0 || (view !== undefined && view !== 'raw')) {
    return sendProblem(response, 404, 'not_found', 'There is no such message.');
  }
  if (view === undefined) return sendJson(response, 200, message);
  response.writeHead(200, {
    'content-type': message.channel === 'sms' ? 'text/plain; charset=utf-8' : 'message/rfc822',
  });
  response.end(await store.raw(id));
};
