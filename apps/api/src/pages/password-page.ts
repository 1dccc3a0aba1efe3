import { html, type Markup } from './html.ts';
import { addressBlock, noticePage, type PageFrame, postForm } from './notice-page.ts';
import type { PasswordPurpose } from './page-strings.ts';
import { formatString, type PageLanguage, pageLanguage } from './strings.ts';

export interface PasswordPageInput extends PageFrame {
  readonly purpose: PasswordPurpose;
  /** Where `token` and `password` are posted; a path of this service. */
  readonly action: string;
  readonly token: string;
  /** Shown, and told to the password manager. */
  readonly email: string | null;
  readonly minChars: number;
  /** What was the matter with the password that was just posted. */
  readonly problem?: 'too_short' | 'too_common';
}

/** The one form of an invitation or a recovery: a new password. Opening it confirms nothing. */
export const passwordPage = (input: PasswordPageInput): string => {
  const language = pageLanguage(input.locale);
  const { password } = language.strings;
  const text = password[input.purpose];
  const form = html`${addressBlock(input.email, language)}
  ${postForm(input.action, { token: input.token }, text.button, passwordField(input, language))}`;
  return noticePage(input, language, { ...text, next: password.next }, 'none', form);
};

const passwordField = (input: PasswordPageInput, language: PageLanguage): Markup => {
  const { password } = language.strings;
  const { problem } = input;
  const hint = formatString(language, password.hint, { brand: input.brand, min: input.minChars });
  return html`${
      input.email !== null &&
      // Without a name it is not posted; it only tells the password manager whose password this is.
      html`<input type="email" autocomplete="username" value="${input.email}" readonly hidden />`
    }
    <label for="password">${password.label}</label>
    <input
      class="field"
      id="password"
      name="password"
      type="password"
      dir="ltr"
      autocomplete="new-password"
      minlength="${input.minChars}"
      required
      aria-describedby="${problem === undefined ? 'hint' : 'wrong hint'}"
      ${problem !== undefined && html`aria-invalid="true"`}
    />
    ${
      problem !== undefined &&
      html`<p class="wrong" id="wrong" role="alert">
        ${problem === 'too_short' ? password.tooShort : password.tooCommon}
      </p>`
    }
    <p class="hint" id="hint">${hint}</p>`;
};

/** The answer to its button. */
export const passwordSetPage = (frame: PageFrame): string => {
  const language = pageLanguage(frame.locale);
  return noticePage(frame, language, language.strings.passwordSet, 'good', null);
};
