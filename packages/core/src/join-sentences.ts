/** Sentences in a row, without those that are missing. Japanese and Chinese set no space between them. */
export const joinSentences = (locale: string, sentences: readonly (string | undefined)[]): string =>
  sentences
    .filter((sentence) => sentence !== undefined && sentence !== '')
    .join(/^(?:ja|zh)\b/.test(locale) ? '' : ' ');
