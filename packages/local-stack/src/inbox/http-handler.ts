import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { takeSms } from './take-sms.ts';
import { answerApi, loadMessage, loadSummaries, sendJson } from './json-api.ts';
import type { MessageStore } from './message-store.ts';
import { LIST_SCRIPT, listPage, messagePage, notFoundPage, type MessageView } from './pages.ts';

const VIEWS: readonly MessageView[] = ['html', 'text', 'headers', 'raw'];
const LIST_LENGTH = 200;

const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
// Mail is written by others: no script, no form, no request to anywhere, and no origin of ours.
const MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

const sendHtml = (response: ServerResponse, statusCode: number, html: string, policy = PAGE_POLICY): void => {
  response.writeHead(statusCode, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
  });
  response.end(html);
};

/** A page elsewhere may point its own host name at 127.0.0.1 to read the mail; its Host header gives it away. */
const isLocalHost = (host: string | undefined): boolean =>
  host !== undefined && /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host);

const isSameOrigin = (request: IncomingMessage): boolean =>
  request.headers.origin === undefined || request.headers.origin === `http://${request.headers.host ?? ''}`;

const viewFrom = (url: URL, hasHtml: boolean): MessageView =>
  VIEWS.find((view) => view === url.searchParams.get('view')) ?? (hasHtml ? 'html' : 'text');

const answerList = async (store: MessageStore, url: URL, response: ServerResponse): Promise<void> => {
  const to = url.searchParams.get('to')?.trim() || undefined;
  const newestId = store.list().at(-1)?.id;
  const oldestShown = store.list({ to }).at(-LIST_LENGTH - 1)?.id;
  const summaries = await loadSummaries(store, { to, after: oldestShown });
  sendHtml(response, 200, listPage(summaries.toReversed(), to, newestId));
};

/** Inside the sandboxed frame a link can only open a new window. */
const withNewWindows = (html: string): string => {
  const base = '<base target="_blank">';
  return /<head[^>]*>/i.test(html)
    ? html.replace(/<head[^>]*>/i, (head) => `${head}${base}`)
    : `${base}${html}`;
};

const answerMessage = async (store: MessageStore, url: URL, response: ServerResponse): Promise<void> => {
  const [, , id = '', part, ...rest] = url.pathname.split('/');
  const message = await loadMessage(store, id);
  if (message === undefined || rest.length > 0 || (part !== undefined && part !== 'html')) {
    return sendHtml(response, 404, notFoundPage());
  }
  if (part === 'html') return sendHtml(response, 200, withNewWindows(message.html ?? ''), MAIL_POLICY);
  const view = viewFrom(url, message.html !== null);
  const raw = view === 'raw' ? new TextDecoder().decode(await store.raw(id)) : '';
  return sendHtml(response, 200, messagePage(message, view, raw));
};

const answer = async (
  store: MessageStore,
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> => {
  response.setHeader('cache-control', 'no-store');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('x-content-type-options', 'nosniff');
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (!isLocalHost(request.headers.host) || (!isRead && !isSameOrigin(request))) {
    return sendJson(response, 403, { code: 'forbidden', message: 'The inbox answers only as localhost.' });
  }
  const url = URL.parse(request.url ?? '/', 'http://localhost');
  if (url === null) throw new RangeError('The address cannot be parsed');
  const api = /^\/api\/messages(?:\/(.+?))?\/?$/.exec(url.pathname);
  if (api !== null) return answerApi(store, url, api[1] ?? '', request, response, closing);
  if (url.pathname === '/sms' && request.method === 'POST') return takeSms(store, request, response);
  if (url.pathname === '/delete-all' && request.method === 'POST') {
    store.clear();
    response.writeHead(303, { location: '/' }).end();
    return;
  }
  if (!isRead)
    return sendJson(response, 405, {
      code: 'method_not_allowed',
      message: 'This address is only for reading.',
    });
  if (url.pathname === '/') return answerList(store, url, response);
  if (url.pathname === '/inbox.js') {
    response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(LIST_SCRIPT);
    return;
  }
  if (url.pathname.startsWith('/messages/')) return answerMessage(store, url, response);
  return sendHtml(response, 404, notFoundPage());
};

/** Serves the pages and the JSON API. `closing` ends the requests that wait for a message. */
export const createHttpHandler =
  (store: MessageStore, closing: AbortSignal): RequestListener =>
  (request, response) => {
    answer(store, request, response, closing).catch((error: unknown) => {
      // A malformed address or an `after` that is none; anything else is ours, and its text stays here.
      const isClient = error instanceof RangeError;
      if (response.headersSent) response.destroy();
      else if (isClient)
        sendJson(response, 400, {
          code: 'invalid_request',
          message: 'The address or its parameters are not valid.',
        });
      else sendJson(response, 500, { code: 'internal_error', message: 'The inbox failed to answer.' });
      if (!isClient) process.emitWarning(error instanceof Error ? error : String(error));
    });
  };
