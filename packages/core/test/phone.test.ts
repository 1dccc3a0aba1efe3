import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numberBlock, parsePhoneNumber, type PhoneRules } from '../src/phone.ts';
import { anyText } from './any-text.ts';

const read = (raw: string, rules?: PhoneRules): string => {
  const number = parsePhoneNumber(raw, rules);
  return 'problem' in number ? number.problem : `${number.address} ${number.country} ${number.numberType}`;
};

describe('a phone number', () => {
  test.each([
    '+4520123456',
    '004520123456',
    '+45 20 12 34 56',
    ' +45 (20) 12-34.56 ',
    '+45２０１２３４５６',
    '+45 ٢٠ ١٢ ٣٤ ٥٦',
    '\u202a+4520123456\u202c',
    '+45\u00a020\u00a012\u00a034\u00a056',
  ])('%j is one number in any spelling', (raw) => expect(read(raw)).toBe('+4520123456 DK fixed_or_mobile'));

  test.each([
    ['+46701740605', '+46701740605 SE mobile'],
    ['+12025550123', '+12025550123 US fixed_or_mobile'],
    ['+61491570156', '+61491570156 AU mobile'],
    // A block of Guernsey, though most would say that +44 79 is Britain.
    ['+447911123456', '+447911123456 GG mobile'],
    ['+33612345678', '+33612345678 FR mobile'],
  ])('%s is %s', (raw, expected) => expect(read(raw)).toBe(expected));

  test.each([
    ['+4590123456', 'not_mobile', 'premium rate'],
    ['+19005550123', 'not_mobile', 'premium rate'],
    ['+33899123456', 'not_mobile', 'premium rate'],
    ['+33810123456', 'not_mobile', 'shared cost'],
    ['+18005550199', 'not_mobile', 'toll-free'],
    ['+442079460000', 'not_mobile', 'fixed line'],
    ['+4633123456', 'not_mobile', 'fixed line'],
    ['+447012345678', 'not_mobile', 'personal number, a known trap'],
    ['+979123456789', 'invalid', 'premium of no country'],
    ['+881612345678', 'invalid', 'satellite of no country'],
    ['+4512345678', 'invalid', 'not assigned'],
    ['+447700900123', 'invalid', 'reserved for drama'],
    ['20123456', 'unreadable', 'without its country'],
    ['4520123456', 'unreadable', 'without its plus'],
    ['+4520123456 ext 5', 'unreadable', 'with an extension'],
    ['call +4520123456', 'unreadable', 'in a sentence'],
    ['+4520123456,+4520123457', 'unreadable', 'two'],
    ['+45201234567890123', 'unreadable', 'too long for E.164'],
    [`+45${' '.repeat(60)}20123456`, 'unreadable', 'too long to be typed'],
    ['', 'unreadable', 'nothing'],
    ['+', 'unreadable', 'no digit'],
  ])('%s is refused as %s: %s', (raw, problem) => expect(read(raw)).toBe(problem));

  test('a country is taken from the default only, and never goes before the one that was typed', () => {
    expect(read('20 12 34 56', { defaultCountry: 'DK' })).toBe('+4520123456 DK fixed_or_mobile');
    expect(read('+46701740605', { defaultCountry: 'DK' })).toBe('+46701740605 SE mobile');
    expect(read('070-174 06 05', { defaultCountry: 'SE' })).toBe('+46701740605 SE mobile');
    expect(read('011 45 20 12 34 56', { defaultCountry: 'US' })).toBe('+4520123456 DK fixed_or_mobile');
  });

  test('a block that the operator vouches for is taken, and its neighbours are not', () => {
    const rules = { allowedPrefixes: [{ country: 'DK', prefix: '+4512' }] };
    expect(read('+45 12 34 56 78', rules)).toBe('+4512345678 DK allowed');
    expect(read('0045 12 34 56 78', rules)).toBe('+4512345678 DK allowed');
    expect(read('+45 13 34 56 78', rules)).toBe('invalid');
  });

  test('whatever is typed: what is read is E.164, and is read again as itself', () => {
    const typed = fc.oneof(
      anyText(50),
      fc.stringMatching(/^(\+|00)?[0-9 ().-]{5,20}$/),
      fc.integer({ min: 20_000_000, max: 99_999_999 }).map((number) => `+45 ${number}`),
    );
    fc.assert(
      fc.property(typed, (raw) => {
        const number = parsePhoneNumber(raw);
        if ('problem' in number) return;
        expect(number.address).toMatch(/^\+[1-9]\d{6,14}$/);
        expect(number.country).toMatch(/^[A-Z]{2}$/);
        expect(parsePhoneNumber(number.address)).toEqual(number);
      }),
      { numRuns: 2000 },
    );
  });
});

test.each([
  ['+4520123456', '+4520123'],
  ['+12025550123', '+1202555'],
  // Short numbers keep three digits for themselves, so that the block is of a thousand at least.
  ['+29051234', '+29051'],
])('the block of %s is %s', (address, block) => expect(numberBlock(address)).toBe(block));
