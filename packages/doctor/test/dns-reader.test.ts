import { describe, expect, test } from 'vitest';
import { createDnsReader } from '../src/dns-reader.ts';
import { startZoneServer } from './zone-server.ts';

const long = `v=DKIM1; p=${'A'.repeat(392)}`;

describe('the DNS', () => {
  test('is read as the rules want it', async () => {
    await using server = await startZoneServer({
      'example.com': {
        TXT: ['v=spf1 -all', long],
        MX: ['20 Two.example.com', '10 one.example.com'],
        A: ['192.0.2.1'],
        AAAA: ['2001:db8::1'],
      },
      'none.example.com': { MX: ['0 .'] },
      'six.example.com': { AAAA: ['2001:db8::2'] },
      'alias.example.com': { CNAME: 'example.com' },
    });
    const reader = createDnsReader(AbortSignal.timeout(15_000), [server.address]);
    expect(await reader.texts('example.com')).toEqual({ kind: 'found', values: ['v=spf1 -all', long] });
    expect(await reader.texts('alias.example.com')).toEqual({ kind: 'found', values: ['v=spf1 -all', long] });
    expect(await reader.exchanges('example.com')).toEqual({
      kind: 'found',
      values: expect.arrayContaining([
        { exchange: 'one.example.com', preference: 10 },
        { exchange: 'two.example.com', preference: 20 },
      ]) as unknown,
    });
    expect(await reader.exchanges('none.example.com')).toEqual({
      kind: 'found',
      values: [{ exchange: '', preference: 0 }],
    });
    expect(await reader.addresses('example.com')).toEqual({
      kind: 'found',
      values: ['192.0.2.1', '2001:db8::1'],
    });
    expect(await reader.addresses('six.example.com')).toEqual({ kind: 'found', values: ['2001:db8::2'] });
  });

  test('tells a name that does not exist from one without such a record, and both from no answer', async () => {
    await using server = await startZoneServer({
      'example.com': { TXT: ['x'] },
      'sick.example.com': { fails: true },
      'mute.example.com': { silent: true },
    });
    const reader = createDnsReader(AbortSignal.timeout(15_000), [server.address]);
    expect(await reader.exchanges('example.com')).toEqual({ kind: 'missing', nameExists: true });
    expect(await reader.addresses('example.com')).toEqual({ kind: 'missing', nameExists: true });
    expect(await reader.texts('gone.example.com')).toEqual({ kind: 'missing', nameExists: false });
    expect(await reader.addresses('gone.example.com')).toEqual({ kind: 'missing', nameExists: false });
    expect(await reader.texts('sick.example.com')).toMatchObject({ kind: 'failed' });
    expect(await reader.texts('mute.example.com')).toMatchObject({ kind: 'failed' });
  });

  test('has no address only where neither kind of question finds one', async () => {
    await using server = await startZoneServer({
      'half.example.com': { failsFor: 'AAAA' },
      'other.example.com': { failsFor: 'A' },
    });
    const reader = createDnsReader(AbortSignal.timeout(15_000), [server.address]);
    expect(await reader.addresses('half.example.com')).toMatchObject({ kind: 'failed' });
    expect(await reader.addresses('other.example.com')).toMatchObject({ kind: 'failed' });
  });

  test('is given up at once when time is up', async () => {
    await using server = await startZoneServer({ 'mute.example.com': { silent: true } });
    const ended = new AbortController();
    const reader = createDnsReader(ended.signal, [server.address]);
    const asking = reader.texts('mute.example.com');
    ended.abort();
    expect(await asking).toEqual({ kind: 'failed', reason: 'ECANCELLED' });
    expect(await reader.texts('example.com')).toEqual({ kind: 'failed', reason: 'no time left' });
    expect(server.questions.filter((question) => question.includes(' example.com'))).toEqual([]);
  });
});
