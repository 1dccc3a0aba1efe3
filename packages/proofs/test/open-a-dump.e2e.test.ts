import { randomBytes } from 'node:crypto';
import { Secret } from '@reconfirm/core/secret';
import { parseKeyRing, type KeyRing } from '@reconfirm/core/token';
import { waitUntil } from '@reconfirm/local-stack';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { expect, test } from 'vitest';
import { dumpPostgres, dumpRedis } from '../src/dump-stores.ts';
import { redisSettings } from '../src/installation.ts';
import { nextMail, tokenOf } from '../src/mails.ts';
import { openDump, type Dump, type KeyGuesses } from '../src/open-a-dump.ts';
import { strictContracts } from '../src/strict-contracts.ts';
import { openScene } from './support/scene.ts';

const ringOf = (...keys: readonly Buffer[]): KeyRing => {
  const ring = parseKeyRing(keys.map((key, index) => `${index + 1}:${key.toString('base64')}`).join(','));
  if ('problem' in ring) throw new Error(ring.problem);
  return ring;
};
const secretOf = (bytes: Buffer): Secret => new Secret(bytes.toString('base64'));

/** What somebody would try who does not have the keys: nothing, the same byte, words, and what lies in the dump. */
const guessesOf = (dump: Dump): KeyGuesses => {
  const ids = dump.postgres.flatMap(({ rows }) => rows.map((row) => row['id'] ?? '')).slice(0, 50);
  const guessed = [
    ...[0, 1, 0xff].map((byte) => Buffer.alloc(32, byte)),
    ...['reconfirm', 'secret', 'changeme', ...ids].map((word) => Buffer.from(word.padEnd(32, '\0'))),
  ];
  const empty = new Secret('');
  return {
    tokenKeys: guessed.map((key) => ringOf(key, key)),
    hashKeys: [empty, ...guessed.map(secretOf)],
    codeKeys: [empty],
  };
};

describeWithRedis('a dump of both stores', (redisUrl) => {
  // Some millions of hashes: seconds on a machine of one's own.
  test(
    'opens nothing without the keys, and with them what is not settled yet',
    { timeout: 240_000 },
    async () => {
      const [tokenKey, hashKey] = [randomBytes(32), randomBytes(32)];
      await using scene = await openScene({
        ...redisSettings(redisUrl),
        TOKEN_KEYS: `1:${tokenKey.toString('base64')}`,
        ADDRESS_HASH_KEY: hashKey.toString('base64'),
        NOTICE_UNKNOWN_ACCOUNT: 'on',
        EVENT_LOOPBACK: 'on',
        DATABASE_TIMEOUT_MS: '10000',
      });
      const api = await scene.startApi(strictContracts());
      const { client } = api;
      await scene.startWorker();
      const asAdmin = { authorization: `Bearer ${api.adminKey}` };
      // Settled, and in; not settled, as its server says "later" for ever; and somebody whom nobody knows.
      const [settled, waiting, stranger] = [
        'ada@example.org',
        'defer@example.org',
        'defer+stranger@example.net',
      ];
      const registered = await client.register(settled);
      await client.ask('POST', '/v1/admin/webhook-endpoints', {
        headers: asAdmin,
        json: { url: 'http://127.0.0.1:9/hook' },
      });
      const mail = await nextMail(scene.inbox, settled);
      type Session = { readonly access_token: string; readonly refresh_token: string };
      const session = await client.ask<Session>('POST', '/auth/v1/verify', {
        json: { type: 'signup', email: settled, token: mail.code },
      });
      const refreshed = await client.ask<Session>('POST', '/auth/v1/token?grant_type=refresh_token', {
        json: { refresh_token: session.body.refresh_token },
      });
      expect(refreshed.status).toBe(200);
      await client.register(waiting);
      await client.ask('POST', '/v1/resend', { json: { purpose: 'recovery', email: stranger } });
      const isDeferred = async (): Promise<boolean> =>
        (await client.messages({ status: 'deferred' })).length === 2;
      await waitUntil('both mails were put off', isDeferred, 20_000);

      const dump: Dump = {
        postgres: await dumpPostgres(scene.databaseUrl),
        redis: await dumpRedis(redisUrl, scene.redisPrefix),
      };
      const dictionary = [settled, waiting, stranger, 'nobody@example.org'];
      expect(openDump(dump, guessesOf(dump), dictionary)).toEqual([]);

      // With the keys in hand the same script opens it: the rows were looked at, and in the right way.
      const right = [secretOf(hashKey)];
      const keys: KeyGuesses = { tokenKeys: [ringOf(tokenKey)], hashKeys: right, codeKeys: right };
      const opened = openDump(dump, keys, dictionary);
      const token = opened.find(({ what }) => what === 'token')?.value ?? '';
      expect(await client.check(token)).toEqual({ valid: true, email: waiting });
      const codes = opened.filter(({ what }) => what === 'code').map(({ value }) => value);
      expect(codes).toContain(mail.code);
      expect(opened.filter(({ what }) => what === 'sealed value').map(({ value }) => value)).toEqual(
        expect.arrayContaining([expect.stringContaining(stranger), expect.stringMatching(/^whsec_/)]),
      );
      expect(new Set(opened.filter(({ what }) => what === 'address').map(({ value }) => value))).toEqual(
        new Set([settled, waiting, stranger]),
      );
      // What was handed over has lost its nonce: not even the holder of the keys makes its link again.
      expect(opened.map(({ value }) => value)).not.toContain(tokenOf(mail));

      // And a secret that lay in the clear anywhere would be taken.
      const nothing: KeyGuesses = { tokenKeys: [], hashKeys: [], codeKeys: [] };
      const planted = (value: string): Dump => ({
        postgres: dump.postgres,
        redis: [...dump.redis, `bull:mail:1 data {"x":"${value}"}`],
      });
      for (const value of [tokenOf(mail), refreshed.body.refresh_token, registered.body.apiKey.slice(-43)])
        expect(new Set(openDump(planted(value), nothing, []).map(({ what }) => what))).toEqual(
          new Set(['stored secret']),
        );
    },
  );
});
