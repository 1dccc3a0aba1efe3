import { timingSafeEqual } from 'node:crypto';
import { hashCode, readCode } from '@reconfirm/core/code';
import { findPurpose, type PurposeName } from '@reconfirm/core/purposes/registry';
import { hashToken } from '@reconfirm/core/token';
import type { CodeCandidate, GuessOutcome } from '@reconfirm/db/code-guesses';
import type { KnownToken, Presented, TokenFacts } from '@reconfirm/db/token-state';
import type { Confirmation } from '@reconfirm/db/verifications';
import { bindingHash } from './browser-binding.ts';
import { type ConfirmOutcome, outcomeOf } from './confirm.ts';
import type { KeySettings } from './request-keys.ts';

/** What the form of a confirmation page brings. */
export interface PagePress {
  readonly token: string;
  /** The code of the same mail, as typed; undefined when the form had none. */
  readonly code: string | undefined;
  /** The browser's own secret, if it ever asked for a message here. */
  readonly browser: string | undefined;
}

export type PressOutcome =
  | ConfirmOutcome
  /** The press alone is not enough. The token is as good as before. `wrong_code`: one was typed, another one. */
  | { readonly kind: 'proof_wanted' | 'wrong_code'; readonly token: KnownToken };

export interface ConfirmOnPageDependencies {
  readonly keys: KeySettings;
  readonly readToken: (presented: Presented) => Promise<TokenFacts>;
  readonly confirmToken: (presented: Presented, purposes: readonly string[]) => Promise<Confirmation>;
  readonly countGuess: (subjectKey: Uint8Array) => Promise<GuessOutcome>;
  readonly forgiveGuess: (subjectKey: Uint8Array) => Promise<void>;
  readonly findCodes: (subjectKey: Uint8Array) => Promise<readonly CodeCandidate[]>;
}

export interface ConfirmOnPage {
  /** Whether a press by this browser will want the code of the mail besides. */
  wantsCode(token: KnownToken, browser: string | undefined): boolean;
  press(press: PagePress, purposes: readonly PurposeName[]): Promise<PressOutcome>;
}

/**
 * Using a link by the button of its page. Mail scanners press buttons, too: where a token lets somebody in,
 * the press counts only in the browser that asked for the mail, or with the code that stands in it. The code
 * is guessed under the same budget as everywhere else.
 */
export const createConfirmOnPage = (deps: ConfirmOnPageDependencies): ConfirmOnPage => {
  const wantsCode: ConfirmOnPage['wantsCode'] = (token, browser) =>
    findPurpose(token.purpose)?.opensSession === true && !isBrowserOf(token, browser);

  return {
    wantsCode,
    press: async ({ token, code, browser }, purposes) => {
      const presented: Presented = { by: 'link', tokenHash: hashToken(token) };
      const facts = await deps.readToken(presented);
      if (facts.state !== 'live') return outcomeOf(facts);
      const confirm = async () => outcomeOf(await deps.confirmToken(presented, purposes));
      if (!wantsCode(facts, browser)) return confirm();
      if (code === undefined || code.trim() === '') return { kind: 'proof_wanted', token: facts };
      const typed = readCode(code);
      if (typed === undefined) return { kind: 'wrong_code', token: facts };
      const guess = await deps.countGuess(facts.subjectKey);
      if (guess.kind === 'locked') return guess;
      if (!(await isCodeOf(facts, typed))) return { kind: 'wrong_code', token: facts };
      const outcome = await confirm();
      await deps.forgiveGuess(facts.subjectKey);
      return outcome;
    },
  };

  async function isCodeOf({ subjectKey, messageId }: KnownToken, code: string): Promise<boolean> {
    const candidates = await deps.findCodes(subjectKey);
    const own = candidates.find((candidate) => candidate.messageId === messageId);
    return own !== undefined && timingSafeEqual(hashCode(deps.keys.hashKey, messageId, code), own.codeHash);
  }
};

const isBrowserOf = ({ context }: KnownToken, browser: string | undefined): boolean => {
  const asked = context?.['browser'];
  if (typeof asked !== 'string' || browser === undefined) return false;
  const [given, expected] = [Buffer.from(bindingHash(browser)), Buffer.from(asked)];
  return given.length === expected.length && timingSafeEqual(given, expected);
};
