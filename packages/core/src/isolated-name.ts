/**
 * A name between first-strong isolates (UAX #9, 2.6), where a name of the other direction would pull the words
 * and signs around it out of their order. Left as it is where it runs like its sentence, because the isolates are
 * characters too: old mail lists show them as boxes, so subjects and titles go without.
 */
export const isolatedName = (name: string, sentenceIsRightToLeft: boolean): string =>
  name !== '' && (sentenceIsRightToLeft || rightToLeftLetter.test(name)) ? `\u2068${name}\u2069` : name;

const rightToLeftLetter = /[\p{Script=Arab}\p{Script=Hebr}\p{Script=Syrc}\p{Script=Thaa}]/u;
