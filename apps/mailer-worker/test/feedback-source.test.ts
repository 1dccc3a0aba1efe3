import { expect, test } from 'vitest';
import { createFeedbackSources, type NameLookups } from '../src/reports/feedback-source.ts';

/** DNS as it stands for these tests; what is not here does not exist. */
const names: Readonly<Record<string, readonly string[]>> = {
  '192.0.2.1': ['other.example.org', 'mx1.FBL.example.net.'],
  '192.0.2.2': ['mx2.fbl.example.net'],
  '192.0.2.3': ['fbl.example.net.evil.example'],
  '192.0.2.4': ['notfbl.example.net'],
  '2001:db8::1': ['mx6.fbl.example.net'],
};
const addresses: Readonly<Record<string, readonly string[]>> = {
  'mx1.FBL.example.net.': ['198.51.100.9', '192.0.2.1'],
  'mx2.fbl.example.net': ['198.51.100.9'],
  'fbl.example.net.evil.example': ['192.0.2.3'],
  'notfbl.example.net': ['192.0.2.4'],
  'mx6.fbl.example.net': ['2001:DB8:0::1'],
};
const find = (table: typeof names, key: string): Promise<readonly string[]> => {
  const found = table[key];
  return found === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(found);
};
const lookups: NameLookups = {
  reverse: (address) => find(names, address),
  resolve4: (name) => find(addresses, name),
  resolve6: (name) => find(addresses, name),
};

test.each([
  ['in a range', '203.0.113.7', true],
  ['an IPv6 address in a range', '2001:db8:1::5', true],
  ['whose name below the domain leads back to it, in any spelling', '192.0.2.1', true],
  ['of IPv6 whose name leads back to it', '2001:db8::1', true],
  ['whose owner gave it a name that leads elsewhere', '192.0.2.2', false],
  ['whose name only begins like the domain', '192.0.2.3', false],
  ['whose name only ends like the domain', '192.0.2.4', false],
  ['without a name', '192.0.2.5', false],
  ['that is none', 'unknown', false],
])('an address %s: %s is a feedback source: %s', async (_what, address, isSource) => {
  const isFeedbackSource = createFeedbackSources(
    { ranges: ['203.0.113.0/24', '2001:db8:1::/48'], domains: ['fbl.example.net'] },
    lookups,
  );
  expect(await isFeedbackSource(address)).toBe(isSource);
});

test('without domains nobody is asked for a name', async () => {
  const asked: string[] = [];
  const isFeedbackSource = createFeedbackSources(
    { ranges: [], domains: [] },
    { ...lookups, reverse: (address) => (asked.push(address), Promise.resolve([])) },
  );
  expect(await isFeedbackSource('192.0.2.1')).toBe(false);
  expect(asked).toEqual([]);
});

test('a name server that never answers means no, in time', async () => {
  const isFeedbackSource = createFeedbackSources(
    { ranges: [], domains: ['fbl.example.net'] },
    { ...lookups, reverse: () => new Promise(() => {}) },
  );
  expect(await isFeedbackSource('192.0.2.1')).toBe(false);
});
