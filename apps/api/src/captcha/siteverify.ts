import type {
  CaptchaExpectation,
  CaptchaVerdict,
  SiteverifyProvider,
  SiteverifyRequest,
} from '@reconfirm/core/captcha/captcha';

/** All tries together; a person waits for this. */
const deadlineMs = 3000;
/** Answers have some hundred bytes. */
const answerSizeBytesMax = 64 * 1024;

export interface SiteverifyOptions {
  readonly provider: SiteverifyProvider;
  /** Instead of the provider's own address. */
  readonly url: string | undefined;
}

export type Siteverify = (
  request: SiteverifyRequest,
  expected: CaptchaExpectation,
) => Promise<CaptchaVerdict>;

/**
 * Asks a provider about one answer: one deadline, no redirects, no more than 64 KiB of answer. Never
 * rejects: a provider that cannot be asked is a verdict. Asked again, once, only where that is safe.
 */
export const createSiteverify = ({ provider, url = provider.url }: SiteverifyOptions): Siteverify => {
  return async (request, expected) => {
    const signal = AbortSignal.timeout(deadlineMs);
    const body = new URLSearchParams(provider.form(request)).toString();
    const verdict = await ask(body, expected, signal);
    return verdict.reason === 'no_answer' && provider.mayAskAgain && !signal.aborted
      ? ask(body, expected, signal)
      : verdict;
  };

  async function ask(
    body: string,
    expected: CaptchaExpectation,
    signal: AbortSignal,
  ): Promise<CaptchaVerdict> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body,
        redirect: 'error',
        signal,
      });
      const text = await readBounded(response);
      if (response.status >= 500) return { outcome: 'unavailable', reason: 'no_answer' };
      return provider.judge(JSON.parse(text), expected, new Date());
    } catch (error) {
      return { outcome: 'unavailable', reason: error instanceof SyntaxError ? 'malformed' : 'no_answer' };
    }
  }
};

/** The body as text; throws when it is longer than any answer can be, and then reads no further. */
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
