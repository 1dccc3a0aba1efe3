import { AppError } from '@reconfirm/core/app-error';

/** Of each call: name look-up, connection and answer together. The provider waits for ours meanwhile (SNS 15 s). */
const deadlineMs = 3000;
/** Certificates have two to three KiB, and answers to a confirmation less. */
const answerSizeBytesMax = 32 * 1024;
/** A certificate serves a region for about a year, so these are more than any installation meets. */
const certificatesMax = 16;
/** Strangers who know a topic can ask for certificates that do not exist; so many of them wait at a time. */
const callsMax = 8;

/** `fetch`, as far as it is used here. */
export type Get = (url: string, options: RequestInit) => Promise<Response>;

export interface WebhookCalls {
  /** The certificate (PEM) at a URL that a provider's `verify` asked for, fetched once and remembered. */
  certificate(url: string): Promise<string>;
  /** Confirms a subscription that a provider's `verify` took for our own. */
  confirm(url: string): Promise<void>;
}

/**
 * The two calls that judging a webhook can need: a deadline, no redirects, a small answer. What cannot
 * be had is a fault that answers 503, so that the provider tries again.
 */
export const createWebhookCalls = (get: Get): WebhookCalls => {
  const certificates = new Map<string, string>();
  /** Requests that arrive together make one call. */
  const asked = new Map<string, Promise<string>>();

  const ask = async (url: string): Promise<string> => {
    try {
      const pem = await fetchText(get, url);
      const [oldest] = certificates.keys();
      if (certificates.size >= certificatesMax && oldest !== undefined) certificates.delete(oldest);
      certificates.set(url, pem);
      return pem;
    } finally {
      asked.delete(url);
    }
  };

  return {
    certificate: async (url) => {
      const known = certificates.get(url);
      if (known !== undefined) return known;
      const waiting = asked.get(url);
      if (waiting !== undefined) return waiting;
      if (asked.size >= callsMax) throw unavailable('too many certificates are asked for at once');
      const answer = ask(url);
      asked.set(url, answer);
      return answer;
    },
    confirm: async (url) => {
      await fetchText(get, url);
    },
  };
};

const unavailable = (message: string, cause?: unknown): AppError =>
  new AppError('provider_unavailable', message, { cause, retryAfterSeconds: 5 });

const fetchText = async (get: Get, url: string): Promise<string> => {
  try {
    const response = await get(url, { redirect: 'error', signal: AbortSignal.timeout(deadlineMs) });
    const text = await readBounded(response);
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    return text;
  } catch (cause) {
    throw unavailable('a call to the sender of a webhook failed', cause);
  }
};

const readBounded = async (response: Response): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > answerSizeBytesMax) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};
