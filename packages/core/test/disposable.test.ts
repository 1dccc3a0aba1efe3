import { describe, expect, test } from 'vitest';
import {
  disposableDomains,
  isDisposable,
  parseDomainFile,
  parseDomains,
  relayServices,
} from '../src/disposable.ts';

const none = new Set<string>();
const listed = disposableDomains(['mailinator.com', 'trash.example'], new Set(['own.example']));

describe('an address is disposable', () => {
  test.each([
    'a@mailinator.com',
    'a@MAILINATOR.com',
    'a@inbox.eu.mailinator.com',
    'a@own.example',
    '"@"@trash.example',
  ])('as %s', (address) => expect(isDisposable(address, listed, none)).toBe(true));

  test.each([
    'a@example.com',
    'a@notmailinator.com',
    'a@mailinator.com.example.org',
    'mailinator.com@example.com',
    'a@com',
  ])('not as %s', (address) => expect(isDisposable(address, listed, none)).toBe(false));

  test('never where its domain, or one above it, is allowed', () => {
    const allowed = parseDomains('mailinator.com, eu.trash.example') as ReadonlySet<string>;
    expect(isDisposable('a@mailinator.com', listed, allowed)).toBe(false);
    expect(isDisposable('a@b.mailinator.com', listed, allowed)).toBe(false);
    expect(isDisposable('a@x.eu.trash.example', listed, allowed)).toBe(false);
    expect(isDisposable('a@trash.example', listed, allowed)).toBe(true);
  });
});

describe('relay services', () => {
  test('are disposable by no packaged list, and by an operator’s own where it names them', () => {
    const packaged = disposableDomains([...relayServices, 'sub.duck.com'], none);
    expect([...packaged]).toEqual([]);
    expect(isDisposable('a@duck.com', disposableDomains([], new Set(['duck.com'])), none)).toBe(true);
  });
});

describe('a list of domains', () => {
  test('is read with commas between, in any case, with or without @, of any script', () => {
    expect(parseDomains('Example.COM, @b.example,пример.рф')).toEqual(
      new Set(['example.com', 'b.example', 'xn--e1afmkfd.xn--p1ai']),
    );
    expect(parseDomains('')).toEqual(none);
  });

  test('is read from a file, a line each, with remarks', () => {
    expect(parseDomainFile('# ours\nexample.com # seen in May\n\r\n  b.example\r\n')).toEqual(
      new Set(['example.com', 'b.example']),
    );
  });

  test.each(['example', 'a@example.com', 'https://example.com', '*.example.com'])(
    'is none with %j in it',
    (text) => {
      expect(parseDomains(text)).toHaveProperty('problem');
      expect(parseDomainFile(text)).toHaveProperty('problem');
    },
  );
});
