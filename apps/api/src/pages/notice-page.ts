import { type HtmlValue, html, type Markup } from './html.ts';
import { page } from './page-layout.ts';
import type { PageText } from './page-strings.ts';
import { formatString, type PageLanguage } from './strings.ts';

/** What every page for people is told. */
export interface PageFrame {
  readonly brand: string;
  /** The wish of the reader, as a BCP 47 tag; a language without pages gives English. */
  readonly locale: string;
  readonly nonce: string;
}

export type Mark = 'good' | 'notice' | 'none';

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

/** One card: a sign, a heading, a sentence, perhaps a form, and what to do next. */
export const noticePage = (
  frame: PageFrame,
  language: PageLanguage,
  text: PageText,
  mark: Mark,
  form: HtmlValue,
): string => {
  const { brand } = frame;
  const say = (string: string): string => formatString(language, string, { brand });
  const heading = say(text.heading);
  return page({
    lang: language.lang,
    dir: language.dir,
    // A title is shown outside of the page, where the isolates of names are of no use.
    title: `${heading.replace(/[\u2068\u2069]/g, '')} · ${brand}`,
    nonce: frame.nonce,
    style,
    body: html`<div class="frame">
      <header><bdi>${brand}</bdi></header>
      <main>
        ${marks[mark]}
        <h1>${heading}</h1>
        <p>${say(text.body)}</p>
        ${form}
        <p class="next">${say(text.next)}</p>
      </main>
    </div>`,
  });
};

/** The address that a page is about. It runs from left to right in every language. */
export const addressBlock = (email: string | null | undefined, language: PageLanguage): Markup | null =>
  email === null || email === undefined
    ? null
    : html`<p class="address">
        <span class="label">${language.strings.address}</span> <bdi dir="ltr">${email}</bdi>
      </p>`;

/** A form that posts what it was given and has one button. */
export const postForm = (
  action: string,
  hidden: Readonly<Record<string, string>>,
  button: string,
  fields: HtmlValue = null,
  look: 'main' | 'plain' = 'main',
): Markup =>
  html`<form method="post" action="${ownPath(action)}">
    ${Object.entries(hidden).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    ${fields}
    <button class="${look === 'main' ? 'button' : 'button plain'}" type="submit">${button}</button>
  </form>`;

/** A path of our own: the policy of the page lets forms go nowhere else, and a wrong one is a fault of ours. */
const ownPath = (action: string): string => {
  if (!/^\/(?!\/)[A-Za-z0-9._~/-]*$/.test(action))
    throw new RangeError('A form can only go to a path of this service.');
  return action;
};

const style = `
.frame { min-height: 100vh; min-height: 100dvh; display: grid; grid-template-rows: auto 1fr; justify-items: center;
  align-content: start; gap: 1.25rem; padding: clamp(1.5rem, 8vh, 5rem) 1.25rem 3rem; }
header { font-weight: 700; font-size: 1.125rem; overflow-wrap: anywhere; text-align: center; }
main { align-self: start; width: 100%; max-width: 30rem; padding: clamp(1.5rem, 6vw, 2.5rem); display: grid; gap: 1rem;
  background: var(--card); border: 1px solid var(--line); border-radius: .875rem; }
h1 { font-size: 1.5rem; line-height: 1.35; overflow-wrap: anywhere; }
main p { overflow-wrap: anywhere; }
.address { padding: .75rem 1rem; border-radius: .5rem; background: var(--inset); font-weight: 600; }
.address .label { display: block; color: var(--muted); font-size: .8125rem; font-weight: 400; }
form { display: grid; gap: .5rem; }
form, .button, .field { width: 100%; }
form label { font-weight: 600; }
.field { min-height: 3rem; padding: .5rem .875rem; border: 1px solid var(--edge); border-radius: .5rem;
  background: var(--card); color: var(--text); font: inherit; }
.field[aria-invalid] { border-color: var(--bad); }
.field.code { font-size: 1.5rem; font-weight: 700; letter-spacing: .2em; text-align: center;
  font-variant-numeric: tabular-nums; }
.field + .button, .hint + .button, .wrong + .button { margin-top: .5rem; }
.hint { color: var(--muted); font-size: .875rem; }
.wrong { color: var(--bad); font-weight: 600; }
.button.plain { background: var(--card); border-color: var(--edge); color: var(--text); }
.next { color: var(--muted); font-size: .9375rem; }
form + .next, .other + .next { padding-top: 1rem; border-top: 1px solid var(--line); }
.mark path { fill: none; stroke: var(--card); stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }
.mark.good circle { fill: var(--good); }
.mark.notice circle { fill: var(--muted); }
`;
