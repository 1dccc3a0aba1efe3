import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Answer<Body = unknown> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed when it is JSON, else the text. */
  readonly body: Body;
  readonly tookMs: number;
}

export interface Question {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
}

export interface HttpClient extends Disposable {
  /** Rejects when the server cannot be reached or has not answered in 15 s; every status is an answer. */
  ask<Body>(method: string, path: string, question?: Question): Promise<Answer<Body>>;
}

const ANSWER_TIMEOUT_MS = 15_000;

/** A client of one server that keeps its connections, as an application beside the API does. */
export const createHttpClient = (port: number): HttpClient => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });

  const ask = async <Body>(method: string, path: string, question: Question = {}): Promise<Answer<Body>> => {
    const startedAt = performance.now();
    const sent = question.json === undefined ? undefined : JSON.stringify(question.json);
    const { promise, resolve, reject } = Promise.withResolvers<Answer<Body>>();
    const outgoing = request({
      agent,
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: {
        ...(sent !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(sent),
        }),
        ...question.headers,
      },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      text(response).then(
        (received) =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: (isJson(response.headers) ? JSON.parse(received) : received) as Body,
            tookMs: performance.now() - startedAt,
          }),
        reject,
      );
    });
    outgoing.end(sent);
    return promise;
  };

  return { ask, [Symbol.dispose]: () => agent.destroy() };
};

const isJson = (headers: IncomingHttpHeaders): boolean => /\bjson\b/.test(headers['content-type'] ?? '');
