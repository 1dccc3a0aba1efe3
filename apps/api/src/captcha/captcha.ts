import { altchaAnswerIdentity, judgeAltcha, readAltchaPayload } from '@reconfirm/core/captcha/altcha';
import type { CaptchaAction, CaptchaOutcome, CaptchaVerdict } from '@reconfirm/core/captcha/captcha';
import { siteverifyProviders } from '@reconfirm/core/captcha/registry';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { captchaHostnamesOf } from '@reconfirm/core/config/captcha-settings';
import { keyedHash } from '@reconfirm/core/keyed-hash';
import { Secret } from '@reconfirm/core/secret';
import type { CaptchaUse } from '@reconfirm/db/captcha-answers';
import { verifyAltcha } from './altcha.ts';
import { createSiteverify } from './siteverify.ts';

/** What an answer was given for. */
export interface CaptchaContext {
  readonly action: CaptchaAction;
  readonly clientAddress: string;
  /** The same for every repetition of one request: an answer that it spent passes again. */
  readonly requestId: string;
}

export interface Captcha {
  /** Checks an answer and, when it passes, spends it. Throws only when our own store cannot be asked. */
  check(answer: string | undefined, context: CaptchaContext): Promise<CaptchaOutcome>;
}

export interface CaptchaOptions {
  readonly config: ApiConfig;
  readonly findUse: (answerHash: Uint8Array, requestId: string) => Promise<CaptchaUse>;
  readonly spend: (answerHash: Uint8Array, requestId: string) => Promise<Exclude<CaptchaUse, 'unused'>>;
  /** Told of every check; the reason says more than a caller is told. */
  readonly onChecked: (verdict: CaptchaVerdict) => void;
}

/** An answer on its way: what makes it one answer, and how it is judged. */
interface ReadAnswer {
  readonly identity: string;
  readonly judge: (context: CaptchaContext) => Promise<CaptchaVerdict>;
}

type ReadAnswerOf = (answer: string) => ReadAnswer | undefined;

/** The configured captcha; undefined with CAPTCHA_PROVIDER=none. */
export const createCaptcha = (options: CaptchaOptions): Captcha | undefined => {
  const { config } = options;
  if (config.CAPTCHA_PROVIDER === 'none') return undefined;
  const secret = config.CAPTCHA_SECRET ?? new Secret('');
  const read =
    config.CAPTCHA_PROVIDER === 'altcha'
      ? readAltcha(secret)
      : readSiteverify(config, config.CAPTCHA_PROVIDER, secret);

  const judge = async (answer: string | undefined, context: CaptchaContext): Promise<CaptchaVerdict> => {
    if (answer === undefined || answer === '') return { outcome: 'required', reason: 'none' };
    const given = read(answer);
    if (given === undefined) return { outcome: 'failed', reason: 'malformed' };
    const hash = keyedHash(config.ADDRESS_HASH_KEY, 'captcha', config.CAPTCHA_PROVIDER, given.identity);
    // Asked first: what we accepted before the provider calls too old, and a repetition must pass.
    const use = await options.findUse(hash, context.requestId);
    if (use !== 'unused') return judgeUse(use);
    const verdict = await given.judge(context);
    return verdict.outcome === 'passed' ? judgeUse(await options.spend(hash, context.requestId)) : verdict;
  };

  return {
    check: async (answer, context) => {
      const verdict = await judge(answer, context);
      options.onChecked(verdict);
      return verdict.outcome;
    },
  };
};

const judgeUse = (use: Exclude<CaptchaUse, 'unused'>): CaptchaVerdict =>
  use === 'ours' ? { outcome: 'passed', reason: 'none' } : { outcome: 'reused', reason: 'spent' };

const readAltcha =
  (secret: Secret): ReadAnswerOf =>
  (answer) => {
    const payload = readAltchaPayload(answer);
    if (payload === undefined) return undefined;
    return {
      identity: altchaAnswerIdentity(payload),
      judge: async ({ action }) => judgeAltcha(await verifyAltcha(payload, secret), payload, action),
    };
  };

const readSiteverify = (
  config: ApiConfig,
  name: keyof typeof siteverifyProviders,
  secret: Secret,
): ReadAnswerOf => {
  const provider = siteverifyProviders[name];
  const siteverify = createSiteverify({ provider, url: config.CAPTCHA_VERIFY_URL });
  const hostnames = captchaHostnamesOf(config);
  return (answer) => {
    // Printable ASCII: more is no token of theirs and is not worth a question.
    if (answer.length > provider.answerSizeMax || !/^[\u0021-\u007e]+$/.test(answer)) return undefined;
    return {
      identity: answer,
      judge: ({ action, clientAddress, requestId }) =>
        siteverify(
          { secret: secret.reveal(), siteKey: config.CAPTCHA_SITE_KEY, answer, clientAddress, requestId },
          { action, hostnames, minScore: config.CAPTCHA_MIN_SCORE },
        ),
    };
  };
};
