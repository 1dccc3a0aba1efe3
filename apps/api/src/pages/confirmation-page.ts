import { type HtmlValue, html, type Markup } from './html.ts';
import { page } from './page-layout.ts';
import {
  type ConfirmationState,
  type PageLanguage,
  type PageProblem,
  type PageText,
  pageLanguage,
} from './strings.ts';

interface PageFrame {
  readonly brand: string;
  /** The wish of the reader, as a BCP 47 tag; a language without pages gives English. */
  readonly locale: string;
  readonly nonce: string;
}

export interface ConfirmationPageInput extends PageFrame {
  readonly token: string;
  readonly state: ConfirmationState;
  /** The address that the link confirms. It is shown for `live` only; other links tell nobody whose they are. */
  readonly email: string | null;
}

/**
 * What a person sees who opens the link of a mail. Opening confirms nothing, for mail scanners
 * open links too: a live link gives one button, whose POST confirms. There is no script, and
 * nothing sends the form by itself.
 */
export const confirmationPage = (input: ConfirmationPageInput): string => {
  const language = pageLanguage(input.locale);
  const text = language.strings.states[input.state];
  const mark = input.state === 'consumed' ? 'good' : input.state === 'live' ? 'none' : 'notice';
  return noticePage(input, language, text, mark, input.state === 'live' && confirmForm(input, language));
};

export interface ConfirmedPageInput extends PageFrame {
  readonly outcome: 'confirmed' | 'already_confirmed';
}

/** The answer to the button. The person may be on another device than the one they signed up on, so it sends them back there. */
export const confirmedPage = (input: ConfirmedPageInput): string => {
  const language = pageLanguage(input.locale);
  const { confirmed, states } = language.strings;
  return noticePage(
    input,
    language,
    input.outcome === 'confirmed' ? confirmed : states.consumed,
    'good',
    null,
  );
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

const confirmForm = ({ token, email }: ConfirmationPageInput, { strings }: PageLanguage): Markup =>
  html`${
      email !== null &&
      html`<p class="address"><span class="label">${strings.address}</span> <bdi dir="ltr">${email}</bdi></p>`
    }
    <form method="post" action="/v1/verify-email">
      <input type="hidden" name="token" value="${token}" />
      <button class="button" type="submit">${strings.button}</button>
    </form>`;

type Mark = 'good' | 'notice' | 'none';

const marks = {
  good: html`<svg
    class="mark good"
    viewBox="0 0 24 24"
    width="44"
    height="44"
    aria-hidden="true"
    focusable="false"
  >
    <circle cx="12" cy="12" r="12" />
    <path d="M6.5 12.5l3.7 3.7 7.3-8" />
  </svg>`,
  notice: html`<svg
    class="mark notice"
    viewBox="0 0 24 24"
    width="44"
    height="44"
    aria-hidden="true"
    focusable="false"
  >
    <circle cx="12" cy="12" r="12" />
    <path d="M12 6.2v7.2M12 17.4v.2" />
  </svg>`,
  none: null,
} as const satisfies Record<Mark, Markup | null>;

const noticePage = (
  frame: PageFrame,
  language: PageLanguage,
  text: PageText,
  mark: Mark,
  form: HtmlValue,
): string => {
  const named = (sentence: string): string => sentence.replaceAll('{brand}', () => frame.brand);
  return page({
    lang: language.lang,
    dir: language.dir,
    title: `${named(text.heading)} · ${frame.brand}`,
    nonce: frame.nonce,
    style,
    body: html`<div class="frame">
      <header><bdi>${frame.brand}</bdi></header>
      <main>
        ${marks[mark]}
        <h1>${named(text.heading)}</h1>
        <p>${named(text.body)}</p>
        ${form}
        <p class="next">${named(text.next)}</p>
      </main>
    </div>`,
  });
};

const style = `
.frame { min-height: 100vh; min-height: 100dvh; display: grid; grid-template-rows: auto 1fr; justify-items: center;
  align-content: start; gap: 1.25rem; padding: clamp(1.5rem, 8vh, 5rem) 1.25rem 3rem; }
header { font-weight: 700; font-size: 1.125rem; overflow-wrap: anywhere; text-align: center; }
main { align-self: start; width: 100%; max-width: 30rem; padding: clamp(1.5rem, 6vw, 2.5rem); display: grid; gap: 1rem;
  background: var(--card); border: 1px solid var(--line); border-radius: .875rem; }
h1 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -.01em; overflow-wrap: anywhere; }
main p { overflow-wrap: anywhere; }
.address { padding: .75rem 1rem; border-radius: .5rem; background: var(--inset); font-weight: 600; }
.address .label { display: block; color: var(--muted); font-size: .8125rem; font-weight: 400; }
form, .button { width: 100%; }
.next { color: var(--muted); font-size: .9375rem; }
form + .next { padding-top: 1rem; border-top: 1px solid var(--line); }
.mark path { fill: none; stroke: var(--card); stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }
.mark.good circle { fill: var(--good); }
.mark.notice circle { fill: var(--muted); }
`;
