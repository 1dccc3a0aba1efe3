import { expect, test } from 'vitest';
import { smsSegments } from '../src/sms-segments.ts';

const alphabet =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';

test('the GSM alphabet has 127 characters besides the escape', () => {
  expect(Array.from(alphabet)).toHaveLength(127);
  expect(smsSegments(alphabet)).toEqual({ encoding: 'gsm7', units: 127, segments: 1 });
});

test.each([
  ['a'.repeat(160), 'gsm7', 160, 1],
  ['a'.repeat(161), 'gsm7', 161, 2],
  ['a'.repeat(306), 'gsm7', 306, 2],
  ['a'.repeat(307), 'gsm7', 307, 3],
  ['€'.repeat(80), 'gsm7', 160, 1],
  // 153 is odd: a segment takes 76 escaped characters and leaves a septet empty.
  ['€'.repeat(153), 'gsm7', 306, 3],
  ['ó'.repeat(70), 'ucs2', 70, 1],
  ['ó'.repeat(71), 'ucs2', 71, 2],
  ['ó'.repeat(134), 'ucs2', 134, 2],
  ['ó'.repeat(135), 'ucs2', 135, 3],
  ['😀'.repeat(35), 'ucs2', 70, 1],
  // 67 is odd too: 33 pairs in each.
  ['😀'.repeat(67), 'ucs2', 134, 3],
  ['', 'gsm7', 0, 1],
])('%j', (text, encoding, units, segments) => {
  expect(smsSegments(text)).toEqual({ encoding, units, segments });
});

test.each(['ç', 'ğ', 'ı', 'ş', 'á', 'ó', 'ą', 'ê', '`', '\u00a0', '’', '₺'])(
  'one %s makes all of a text UCS-2',
  (sign) => expect(smsSegments(`code 123456${sign}`).encoding).toBe('ucs2'),
);
