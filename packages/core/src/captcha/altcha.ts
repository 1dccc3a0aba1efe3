import type { CaptchaAction, CaptchaVerdict } from './captcha.ts';

/**
 * ALTCHA, proof of work, version 2: no third party is asked. A solver tries 256 keys on average, each of
 * 5,000 rounds: some tenths of a second in a browser. Checking costs us one key, about 2 ms.
 */
export const altchaRules = {
  algorithm: 'PBKDF2/SHA-256',
  cost: 5_000,
  keyLengthBytes: 32,
  keyPrefix: '00',
  /** A page that was left open asks for another challenge; nothing else depends on it. */
  ttlSeconds: 600,
  /** A payload is about 700 characters. */
  answerSizeMax: 4096,
} as const;

export interface AltchaParameters {
  readonly algorithm: string;
  readonly nonce: string;
  readonly salt: string;
  readonly cost: number;
  readonly keyLength: number;
  readonly keyPrefix: string;
  readonly expiresAt: number;
  readonly data: { readonly action: string };
}

export interface AltchaPayload {
  readonly challenge: { readonly parameters: AltchaParameters; readonly signature: string };
  readonly solution: { readonly counter: number; readonly derivedKey: string };
}

/** What a challenge is made with; `data` is signed with it, which binds the answer to the action. */
export const altchaChallengeOf = (action: CaptchaAction, now: Date) => ({
  algorithm: altchaRules.algorithm,
  cost: altchaRules.cost,
  keyLength: altchaRules.keyLengthBytes,
  keyPrefix: altchaRules.keyPrefix,
  expiresAt: Math.floor(now.getTime() / 1000) + altchaRules.ttlSeconds,
  data: { action },
});

/** Reads the base64 JSON that the widget sends; undefined for anything of another form. Nothing of it is believed yet. */
export const readAltchaPayload = (answer: string): AltchaPayload | undefined => {
  if (answer.length > altchaRules.answerSizeMax || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(answer)) return undefined;
  let payload: unknown;
  try {
    payload = JSON.parse(Buffer.from(answer, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
  return isPayload(payload) ? payload : undefined;
};

/** What we sign: an answer with other parameters would only be refused later, and at a cost. */
const isPayload = (value: unknown): value is AltchaPayload => {
  const { challenge, solution } = recordOf(value);
  const { parameters, signature } = recordOf(challenge);
  const { algorithm, nonce, salt, cost, keyLength, keyPrefix, expiresAt, data } = recordOf(parameters);
  const { counter, derivedKey } = recordOf(solution);
  return (
    algorithm === altchaRules.algorithm &&
    cost === altchaRules.cost &&
    keyLength === altchaRules.keyLengthBytes &&
    keyPrefix === altchaRules.keyPrefix &&
    Number.isSafeInteger(expiresAt) &&
    [nonce, salt].every((text) => typeof text === 'string' && /^[0-9a-f]{32}$/.test(text)) &&
    typeof recordOf(data)['action'] === 'string' &&
    typeof signature === 'string' &&
    /^[0-9a-f]{64}$/.test(signature) &&
    Number.isSafeInteger(counter) &&
    typeof derivedKey === 'string' &&
    /^[0-9a-f]{64}$/.test(derivedKey)
  );
};

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/**
 * What counts as one answer. Not the payload: one challenge has many solutions, and one solution many
 * spellings. The nonce is signed as it stands.
 */
export const altchaAnswerIdentity = (payload: AltchaPayload): string => payload.challenge.parameters.nonce;

/** Judges what the library found, and the action, which it does not know. */
export const judgeAltcha = (
  found: { readonly verified: boolean; readonly expired: boolean },
  payload: AltchaPayload,
  action: CaptchaAction,
): CaptchaVerdict => {
  if (found.expired) return { outcome: 'expired', reason: 'age' };
  if (!found.verified) return { outcome: 'failed', reason: 'rejected' };
  if (payload.challenge.parameters.data.action !== action) return { outcome: 'failed', reason: 'action' };
  return { outcome: 'passed', reason: 'none' };
};
