import { expect, test } from 'vitest';
import { joinSentences } from '../src/join-sentences.ts';

test.each([
  ['en', ['One.', undefined, 'Two.', ''], 'One. Two.'],
  ['ja', ['一。', '二。'], '一。二。'],
  ['zh-Hans', ['一。', '二。'], '一。二。'],
  ['ar', [undefined], ''],
])('in %s %j reads %j', (locale, sentences, text) => expect(joinSentences(locale, sentences)).toBe(text));
