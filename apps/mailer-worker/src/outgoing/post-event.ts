import { request as requestClear } from 'node:http';
import { request as requestTls } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { AttemptFailure, AttemptOutcome } from '@reconfirm/core/outgoing/delivery';
import { type EndpointRules, hostOf, judgeEndpointUrl, mayConnectTo } from '@reconfirm/core/public-address';
import { type Resolve, type ResolvedAddress, resolveAllowed } from '@reconfirm/process/resolve-allowed';

/** Name look-up, connection, TLS, and the answer's head together. */
const deadlineMs = 10_000;
/** Nobody reads the answer; so much of it is taken that a well-behaved receiver is not cut off. */
const answerSizeBytesMax = 64 * 1024;

export interface PostOptions {
  readonly rules: EndpointRules;
  readonly resolve?: Resolve;
}

export interface EventPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Ends the attempt early; then the promise rejects. */
  readonly signal: AbortSignal;
}

export type PostEvent = (post: EventPost) => Promise<AttemptOutcome>;

/**
 * One POST to a host application. The URL is judged again, its host resolved, each address judged, and
 * the connection made to exactly the one that was judged; Host and the name in TLS stay as in the URL.
 * Redirects are an answer like any other and not followed. Rejects only when `signal` aborts.
 */
export const createPostEvent = ({ rules, resolve }: PostOptions): PostEvent => {
  return async (post) => {
    const decision = judgeEndpointUrl(post.url, rules);
    if (!decision.allowed) return failed('url_not_allowed');
    const url = new URL(decision.url);
    const resolution = await resolveAllowed(hostOf(url), (address) => mayConnectTo(address, rules), resolve);
    post.signal.throwIfAborted();
    switch (resolution.kind) {
      case 'unresolvable':
        return failed('unresolvable');
      case 'not_allowed':
        return failed('address_not_allowed');
      case 'resolved':
        return send(url, resolution.at, post);
    }
  };
};

const failed = (reason: AttemptFailure): AttemptOutcome => ({ kind: 'failed', reason });

const send = async (url: URL, at: ResolvedAddress, post: EventPost): Promise<AttemptOutcome> => {
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    const status = await exchange(url, at, post, AbortSignal.any([deadline, post.signal]));
    return { kind: 'answered', status };
  } catch (error) {
    if (post.signal.aborted) throw error;
    return failed(deadline.aborted ? 'timeout' : connectionFailure(error));
  }
};

/** Resolves with the status of the answer. */
const exchange = (url: URL, at: ResolvedAddress, post: EventPost, signal: AbortSignal): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestTls : requestClear)(url, {
      method: 'POST',
      headers: {
        ...post.headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(post.body),
        'user-agent': 'Reconfirm-Webhooks',
        connection: 'close',
      },
      // A connection that was made for another address must not be taken, nor a proxy.
      agent: false,
      lookup: answering(at),
      signal,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let sizeBytes = 0;
      const end = (): void => resolve(response.statusCode ?? 0);
      response.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes > answerSizeBytesMax) response.destroy();
      });
      // The status was said; what happens to the rest of the answer changes nothing.
      response.on('close', end);
      response.on('error', end);
    });
    request.end(post.body);
  });

/** A look-up that knows one answer: the address that was judged. */
const answering =
  ({ address, family }: ResolvedAddress): LookupFunction =>
  (_host, options, done) => {
    if (options.all === true) done(null, [{ address, family }]);
    else done(null, address, family);
  };

const connectionFailure = (error: unknown): AttemptFailure => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|TLS|SSL|EPROTO|SELF_SIGNED|UNABLE_TO_/.test(code) ? 'tls' : 'connection';
};
