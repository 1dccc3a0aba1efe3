import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposableEmailBlocklist } from 'disposable-email-domains-js';
import { relayServices } from '@reconfirm/core/disposable';
import { describe, expect, test } from 'vitest';
import { createJudgeDisposable, readDisposableDomains } from '../src/disposable-domains.ts';

const configs = {
  off: { DISPOSABLE_DOMAINS: 'off', DISPOSABLE_ALLOW: new Set<string>() },
  flag: { DISPOSABLE_DOMAINS: 'flag', DISPOSABLE_ALLOW: new Set(['mailinator.com']) },
  refuse: { DISPOSABLE_DOMAINS: 'refuse', DISPOSABLE_ALLOW: new Set<string>() },
} as const;
const configOf = (organizationId: string) => configs[organizationId as keyof typeof configs];

const fileOf = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'disposable-')), 'domains.txt');
  writeFileSync(path, text);
  return path;
};

describe('what an organization thinks of an address', () => {
  test('is by its own policy and its own allow list', () => {
    const judge = createJudgeDisposable(readDisposableDomains(undefined), configOf);
    expect(judge('refuse', 'a@mailinator.com')).toEqual({ policy: 'refuse', isDisposable: true });
    expect(judge('flag', 'a@mailinator.com')).toEqual({ policy: 'flag', isDisposable: false });
    expect(judge('flag', 'a@yopmail.com')).toEqual({ policy: 'flag', isDisposable: true });
    expect(judge('off', 'a@mailinator.com')).toEqual({ policy: 'off', isDisposable: false });
  });

  test('follows the operator’s own list too', () => {
    const judge = createJudgeDisposable(readDisposableDomains(fileOf('trash.example\n')), configOf);
    expect(judge('refuse', 'a@x.trash.example').isDisposable).toBe(true);
    expect(judge('refuse', 'a@example.com').isDisposable).toBe(false);
  });
});

describe('the packaged list', () => {
  test('is long, and calls neither a large mail service nor a relay service disposable', () => {
    expect(disposableEmailBlocklist().length).toBeGreaterThan(5000);
    const judge = createJudgeDisposable(readDisposableDomains(undefined), configOf);
    const people = ['gmail.com', 'outlook.com', 'icloud.com', 'yahoo.com', 'proton.me', 'gmx.de', 'qq.com'];
    for (const domain of [...people, ...relayServices])
      expect(judge('refuse', `a@${domain}`).isDisposable, domain).toBe(false);
  });
});

test('a list that cannot be read, or is none, stops the start by the setting’s name', () => {
  expect(() => readDisposableDomains('/nowhere/list.txt')).toThrow(/^DISPOSABLE_LIST_PATH /);
  expect(() => readDisposableDomains(fileOf('<html>'))).toThrow(/^DISPOSABLE_LIST_PATH /);
});
