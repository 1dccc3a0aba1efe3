import { type HtmlValue, html } from './html.ts';
import { addressBlock, type Mark, noticePage, type PageFrame, postForm } from './notice-page.ts';
import type { ConfirmationState, LivePurpose, PageProblem, PageText } from './page-strings.ts';
import { formatString, type PageLanguage, pageLanguage } from './strings.ts';

export interface ConfirmationPageInput extends PageFrame {
  readonly token: string;
  readonly state: ConfirmationState;
  /** The address that the link confirms. It is shown for `live` only; other links tell nobody whose they are. */
  readonly email: string | null;
  /** What the button of a live link confirms; `signup` unless given. */
  readonly purpose?: LivePurpose;
  /** Where the button of a live link posts the token; `/v1/verify-email` unless given. */
  readonly action?: string;
  /**
   * Where a dead but known link posts its token for a new mail (`expired`, `superseded`, `locked`), so that nobody
   * types their address again. Without it the page sends people back to where they asked.
   */
  readonly resendAction?: string | undefined;
}

/**
 * What a person sees who opens the link of a mail. Opening confirms nothing, for mail scanners
 * open links too: a live link gives one button, whose POST confirms. There is no script, and
 * nothing sends the form by itself.
 */
export const confirmationPage = (input: ConfirmationPageInput): string => {
  const language = pageLanguage(input.locale);
  if (input.state === 'live') return livePage(input, language);
  const { states, resend } = language.strings;
  const text: PageText = states[input.state];
  const mark: Mark = input.state === 'consumed' ? 'good' : 'notice';
  const { resendAction } = input;
  return resendAction !== undefined && canResend(input.state)
    ? noticePage(
        input,
        language,
        { ...text, next: resend.next },
        mark,
        postForm(resendAction, { token: input.token }, resend.button),
      )
    : noticePage(input, language, text, mark, null);
};

const canResend = (state: ConfirmationState): boolean =>
  state === 'expired' || state === 'superseded' || state === 'locked';

const livePage = (input: ConfirmationPageInput, language: PageLanguage): string => {
  const { live, liveNext } = language.strings;
  const text = live[input.purpose ?? 'signup'];
  const form: HtmlValue = html`${addressBlock(input.email, language)}
  ${postForm(input.action ?? '/v1/verify-email', { token: input.token }, formatString(language, text.button, input))}`;
  return noticePage(input, language, { ...text, next: liveNext }, 'none', form);
};

export interface ConfirmedPageInput extends PageFrame {
  readonly outcome: 'confirmed' | 'already_confirmed';
}

/** The answer to the button. The person may be on another device than the one they signed up on, so it sends them back there. */
export const confirmedPage = (input: ConfirmedPageInput): string => {
  const language = pageLanguage(input.locale);
  const { confirmed, states } = language.strings;
  const text = input.outcome === 'confirmed' ? confirmed : states.consumed;
  return noticePage(input, language, text, 'good', null);
};

/** For a sign-in that was confirmed here and goes on where it began: nothing is opened in this window. */
export const firstWindowPage = (frame: PageFrame): string => {
  const language = pageLanguage(frame.locale);
  return noticePage(frame, language, language.strings.firstWindow, 'good', null);
};

/** The answer to the button for a new mail. It is the same whether or not one was sent. */
export const resentPage = (frame: PageFrame): string => {
  const language = pageLanguage(frame.locale);
  return noticePage(frame, language, language.strings.resent, 'good', null);
};

export interface ProblemPageInput extends PageFrame {
  /** `malformed` (the default): the token is not of the form that tokens have. */
  readonly problem?: PageProblem;
}

/** For a person whose link cannot even be looked up: broken on its way, too many tries, or a store that does not answer. */
export const problemPage = (input: ProblemPageInput): string => {
  const language = pageLanguage(input.locale);
  return noticePage(input, language, language.strings.problems[input.problem ?? 'malformed'], 'notice', null);
};
