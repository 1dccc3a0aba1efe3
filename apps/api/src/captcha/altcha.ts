import { type Challenge, createChallenge, verifySolution } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import { altchaChallengeOf, type AltchaPayload } from '@reconfirm/core/captcha/altcha';
import type { CaptchaAction } from '@reconfirm/core/captcha/captcha';
import type { Secret } from '@reconfirm/core/secret';

/** A challenge for one action. It costs one HMAC and no row: its answer is remembered, not its question. */
export const makeAltchaChallenge = (action: CaptchaAction, secret: Secret, now: Date): Promise<Challenge> =>
  createChallenge({ ...altchaChallengeOf(action, now), deriveKey, hmacSignatureSecret: secret.reveal() });

/** Signature, expiry and work of an answer. One key is derived (2 ms, in the thread pool), and only for what we signed. */
export const verifyAltcha = (
  { challenge, solution }: AltchaPayload,
  secret: Secret,
): Promise<{ readonly verified: boolean; readonly expired: boolean }> =>
  verifySolution({ challenge, solution, deriveKey, hmacSignatureSecret: secret.reveal() });
