import { Agent, type Dispatcher, request } from 'undici';
import type { SmsFailure } from '@reconfirm/core/sms-failure';
import type {
  SmsHttpAnswer,
  SmsOverHttp,
  SmsSettings,
  SmsVerdict,
} from '@reconfirm/core/sms-providers/provider';
import type { SendResult, SmsTransport } from './transport.ts';

export interface SmsHttpTransportOptions {
  readonly name: string;
  readonly http: SmsOverHttp;
  readonly settings: SmsSettings;
  /** Hard deadline of one hand-over, from the call to the result. */
  readonly timeoutMs: number;
  readonly maxConnections: number;
  /** Certificates to trust in place of the system's, as PEM. */
  readonly trustedCertificates?: string;
}

/** Answers of SMS providers have a few hundred bytes; what follows these is not read. */
const answerSizeBytesMax = 64 * 1024;
/** Below the deadline, so that a provider that cannot be reached is told from one that does not answer. */
const connectShare = 0.5;
const closeTimeoutMs = 5000;

/** What a provider's answer was when the connection broke or the time was over in the middle of it. */
interface Partial {
  status: number;
  headers: Dispatcher.ResponseData['headers'];
  chunks: Buffer[];
}

/**
 * Hands SMS over to an HTTP API: one connection each, no redirect followed, an answer of bounded size, and a
 * result before the deadline whatever the server does. A connection is used once, because a request on one that
 * the server has just closed would leave us not knowing whether it was taken. Bodies are never logged.
 */
export const createSmsHttpTransport = (options: SmsHttpTransportOptions): SmsTransport => {
  const { http, settings, timeoutMs } = options;
  const agent = new Agent({
    pipelining: 0,
    connections: options.maxConnections,
    connect: {
      timeout: Math.ceil(timeoutMs * connectShare),
      ...(options.trustedCertificates !== undefined && { ca: options.trustedCertificates }),
    },
    // The deadline of the hand-over is ours; these only free what nobody waits for any more.
    headersTimeout: timeoutMs + 1000,
    bodyTimeout: timeoutMs + 1000,
  });

  const send: SmsTransport['send'] = async (sms, signal) => {
    if (signal.aborted) return failure({ kind: 'transient', code: 'aborted' }, 'stopped');
    const deadline = AbortSignal.timeout(timeoutMs);
    const stop = AbortSignal.any([signal, deadline]);
    const { url, ...outgoing } = http.buildRequest(sms, settings);
    const answer: Partial = { status: 0, headers: {}, chunks: [] };
    try {
      const response = await orAborted(request(url, { ...outgoing, dispatcher: agent, signal: stop }), stop);
      answer.status = response.statusCode;
      answer.headers = response.headers;
      await orAborted(readBody(response.body, answer.chunks), stop);
    } catch (error) {
      if (answer.status === 0)
        return withoutAnswer(error, { stopped: signal.aborted, late: deadline.aborted });
      // The status has arrived, and says more than the rest of the body could.
    }
    return toResult(http.readAnswer(toAnswer(answer)), answer.status);
  };

  const close: SmsTransport['close'] = async () => {
    const closed = agent.close().catch(() => {});
    await Promise.race([closed, after(closeTimeoutMs)]);
    await agent.destroy();
  };

  return { name: options.name, send, close };
};

/** undici ends a call some time after its signal; a hand-over ends with it. */
const orAborted = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new Error('aborted'));
  aborted.catch(() => {});
  work.catch(() => {});
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};

const readBody = async (
  body: AsyncIterable<Buffer> & { destroy(): unknown },
  chunks: Buffer[],
): Promise<void> => {
  let sizeBytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes >= answerSizeBytesMax) break;
  }
  body.destroy();
};

const toAnswer = ({ status, headers, chunks }: Partial): SmsHttpAnswer => ({
  status,
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value[0] : value,
    ]),
  ),
  body: Buffer.concat(chunks).toString('utf8', 0, answerSizeBytesMax),
});

const toResult = (verdict: SmsVerdict, status: number): SendResult => {
  if (verdict.kind === 'failed')
    return failure(
      verdict.failure,
      verdict.word === undefined ? `HTTP ${status}` : `HTTP ${status}, ${verdict.word}`,
    );
  return {
    kind: 'accepted',
    reply: `HTTP ${status}`,
    ...(verdict.providerMessageId !== undefined && { providerMessageId: verdict.providerMessageId }),
  };
};

const failure = (of: SmsFailure, reply: string): SendResult => ({ kind: 'failed', failure: of, reply });

/** Faults of certificates and handshakes, as Node names them. A retry meets the same certificate. */
const tlsFault = /^(?:ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$)/;
const unreachable = /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT)$/;

/** No status came. Only what fails before the request is written certainly was not taken. */
const withoutAnswer = (
  error: unknown,
  { stopped, late }: { stopped: boolean; late: boolean },
): SendResult => {
  const code = codeOf(error);
  if (code === 'ENOTFOUND') return failure({ kind: 'misconfigured', code: 'dns' }, code);
  if (code === 'EAI_AGAIN') return failure({ kind: 'transient', code: 'dns' }, code);
  if (unreachable.test(code)) return failure({ kind: 'transient', code: 'connect' }, code);
  if (tlsFault.test(code)) return failure({ kind: 'misconfigured', code: 'tls' }, code);
  if (code === 'UND_ERR_INVALID_ARG') return failure({ kind: 'misconfigured', code: 'settings' }, code);
  if (stopped) return failure({ kind: 'ambiguous', code: 'aborted' }, 'stopped');
  if (late) return failure({ kind: 'ambiguous', code: 'timeout' }, 'no answer in time');
  return failure({ kind: 'ambiguous', code: 'connection_lost' }, code === '' ? 'no answer' : code);
};

/** Node tries several addresses at once and then throws what each of them met. */
const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return '';
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  const inner: unknown = first ?? error.cause;
  const own = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return own === '' && inner !== undefined ? codeOf(inner) : own;
};

const after = (timeoutMs: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, timeoutMs).unref();
  });
