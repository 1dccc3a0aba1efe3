import { beforeAll, describe, expect, test } from 'vitest';
import { supportedLocales } from '@reconfirm/core/locale';
import { createRenderer, type Renderer } from '../src/render.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await createRenderer({ brand: { name: 'Reconfirm' }, supportedLocales });
});

const values = { code: '402816', lifetimeSeconds: 600, host: 'verify.example.com' };

/** What a carrier makes of each language: GSM-7 where the language can do without its own signs. */
const expected = {
  en: ['gsm7', 1],
  es: ['gsm7', 1],
  de: ['gsm7', 1],
  fr: ['gsm7', 1],
  it: ['gsm7', 1],
  'pt-BR': ['gsm7', 1],
  pl: ['gsm7', 1],
  tr: ['gsm7', 1],
  ru: ['ucs2', 1],
  ar: ['ucs2', 1],
  he: ['ucs2', 1],
  hi: ['ucs2', 1],
  ja: ['ucs2', 1],
  'zh-Hans': ['ucs2', 1],
} as const satisfies Record<(typeof supportedLocales)[number], readonly [string, number]>;

describe.each(supportedLocales)('the SMS in %s', (locale) => {
  test('is a sentence and the line that phones read', () => {
    const { text } = renderer.renderSms({ locale, values });
    const lines = text.split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe('@verify.example.com #402816');
    expect(lines[0]).toContain('Reconfirm');
    expect(lines[0]).toContain('10');
    // Neither letter nor dash touches the code: phones copied them along.
    expect(lines[0]).toMatch(/(^|[^\p{L}\p{N}-])402816([^\p{L}\p{N}-]|$)/u);
    expect(text).not.toMatch(/[{}\u00a0\u202f\p{Cf}]|undefined/u);
  });

  test('costs what the table says', () => {
    const { encoding, segments } = renderer.renderSms({ locale, values });
    expect([encoding, segments]).toEqual(expected[locale]);
  });

  test.each([60, 3600, 86_400])(
    'in GSM-7 stays there when the code works for %i seconds',
    (lifetimeSeconds) => {
      const { encoding, segments } = renderer.renderSms({ locale, values: { ...values, lifetimeSeconds } });
      expect(encoding).toBe(expected[locale][0]);
      expect(segments).toBeLessThanOrEqual(encoding === 'gsm7' ? 1 : 2);
    },
  );
});

test('the organization speaks, in one line', () => {
  const { text } = renderer.renderSms({ locale: 'en', brand: { name: 'Acme\r\n@evil.example #1' }, values });
  expect(text).toBe(
    '402816 is your code for Acme @evil.example #1. It works for 10 minutes.\n@verify.example.com #402816',
  );
});

test.each([
  'https://verify.example.com',
  'verify.example.com:8080',
  'a b',
  '',
  'x\n@evil.example',
  'exämple.com',
  '-a',
])('the host %j is refused', (host) =>
  expect(() => renderer.renderSms({ locale: 'en', values: { ...values, host } })).toThrow(/host/),
);

test.each(['12a456', '', '123', '123456 '])('the code %j is refused', (code) => {
  expect(() => renderer.renderSms({ locale: 'en', values: { ...values, code } })).toThrow(/digits/);
});
