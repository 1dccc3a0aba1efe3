import { joinSentences } from '@reconfirm/core/join-sentences';
import { html, type Markup } from './html.ts';
import { addressBlock, noticePage, type PageFrame, postForm } from './notice-page.ts';
import { formatString, type PageLanguage, pageLanguage } from './strings.ts';

export interface CodeEntryPageInput extends PageFrame {
  /** Where `code` and the hidden fields are posted; a path of this service. */
  readonly action: string;
  /** What the route needs to know which code is meant. */
  readonly hidden: Readonly<Record<string, string>>;
  /** How the code was sent; `email` unless given. An SMS is in no spam folder. */
  readonly channel?: 'email' | 'sms';
  /** Where the message went. Only for somebody who typed it; masked for everybody else. */
  readonly destination?: string | null;
  /** What was the matter with the code that was just posted. */
  readonly problem?: 'wrong' | 'malformed';
  readonly triesLeft?: number;
  /** Posts the hidden fields for a new message. */
  readonly resendAction?: string | undefined;
}

/**
 * The form for a typed code. It works without JavaScript; phones offer the code of a bound SMS in its field
 * (`autocomplete="one-time-code"`). The field takes what people paste, spaces and dashes included: cleaning is the
 * route's.
 */
export const codeEntryPage = (input: CodeEntryPageInput): string => {
  const language = pageLanguage(input.locale);
  const { code } = language.strings;
  const forms = html`${addressBlock(input.destination, language)}
  ${postForm(input.action, input.hidden, code.button, codeField(input, language))}
  ${
    input.resendAction !== undefined &&
    html`<div class="other">${postForm(input.resendAction, input.hidden, code.resend, null, 'plain')}</div>`
  }`;
  const next = input.channel === 'sms' ? code.nextSms : code.next;
  return noticePage(input, language, { ...code, next }, 'none', forms);
};

const codeField = (input: CodeEntryPageInput, language: PageLanguage): Markup => {
  const { code } = language.strings;
  const wrong = input.problem !== undefined;
  return html`<label for="code">${code.label}</label>
    <input
      class="field code"
      id="code"
      name="code"
      type="text"
      dir="ltr"
      inputmode="numeric"
      autocomplete="one-time-code"
      autocapitalize="off"
      spellcheck="false"
      maxlength="40"
      required
      ${wrong && html`aria-invalid="true" aria-describedby="wrong"`}
    />
    ${wrong && html`<p class="wrong" id="wrong" role="alert">${problemText(input, language)}</p>`}`;
};

const problemText = ({ problem, triesLeft, brand }: CodeEntryPageInput, language: PageLanguage): string => {
  const { code } = language.strings;
  return joinSentences(language.lang, [
    problem === 'malformed' ? code.malformed : code.wrong,
    triesLeft === undefined ? undefined : formatString(language, code.triesLeft, { brand, count: triesLeft }),
  ]);
};
