import { noticePage, type PageFrame, postForm } from './notice-page.ts';
import { formatString, pageLanguage } from './strings.ts';

export interface NotMePageInput extends PageFrame {
  readonly action: string;
  readonly token: string;
}

/** Where "this was not me" leads. Opening it changes nothing; its POST ends the link and the code of the mail. */
export const notMePage = (input: NotMePageInput): string => {
  const language = pageLanguage(input.locale);
  const { notMe } = language.strings;
  const button = formatString(language, notMe.button, input);
  return noticePage(input, language, notMe, 'none', postForm(input.action, { token: input.token }, button));
};

/** The answer to its button; the same whether or not there was still something to end. */
export const disownedPage = (frame: PageFrame): string => {
  const language = pageLanguage(frame.locale);
  return noticePage(frame, language, language.strings.disowned, 'good', null);
};
