import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { testStores } from '@reconfirm/local-stack/testing';
import { expect, test } from 'vitest';
import { dumpPostgres } from '../src/dump-stores.ts';
import { postgresSettings, redisSettings, webhookKey, type RunningApi } from '../src/installation.ts';
import { addresses, untilSettled } from '../src/load.ts';
import { reportEvent } from '../src/mailgun-webhook.ts';
import { nextMail, tokenOf } from '../src/mails.ts';
import { newSessionKey, strictContracts } from '../src/strict-contracts.ts';
import { expectOneMailForEach } from './support/one-mail-each.ts';
import { openScene } from './support/scene.ts';

const newTokenKey = (version: number): string => `${version}:${randomBytes(32).toString('base64')}`;

interface Session {
  readonly access_token: string;
  readonly refresh_token: string;
}

const { redisUrl } = testStores();

// The steps of "Rotating keys" in docs/operations.md, in their order, on processes that are replaced one by one.
test('keys are replaced under load, and no mail has a dead link, no code dies and nobody is signed out', async () => {
  const [oldKey, newKey] = [newTokenKey(1), newTokenKey(2)];
  const [oldSessionKey, newSession] = [newSessionKey('old'), newSessionKey('new')];
  const newWebhookKey = 'the-next-key-of-the-webhooks';
  await using scene = await openScene({
    ...(redisUrl === null ? postgresSettings : redisSettings(redisUrl)),
    TOKEN_KEYS: oldKey,
    // A busy machine that starts processes must not answer 503: nothing here is about being quick.
    DATABASE_TIMEOUT_MS: '10000',
    RATE_LIMIT_ADDRESS: 'off',
    RATE_LIMIT_IP: 'off',
  });
  const contracts = strictContracts();
  const startApi = (tokenKeys: string, sessionKeys: string, webhookKeys: string): Promise<RunningApi> =>
    scene.startApi({
      ...contracts,
      TOKEN_KEYS: tokenKeys,
      SESSION_KEYS: sessionKeys,
      MAILGUN_WEBHOOK_SIGNING_KEY: webhookKeys,
    });
  let api = await startApi(oldKey, oldSessionKey, webhookKey);
  const workers = [await scene.startWorker(), await scene.startWorker()];
  const keysOf = async (): Promise<ReadonlyMap<string, string>> => {
    const tables = await dumpPostgres(scene.databaseUrl);
    const rows = tables.find(({ name }) => name === 'public.verifications')?.rows ?? [];
    return new Map(rows.map((row) => [row['message_id'] ?? '', row['key_version'] ?? '']));
  };
  const signIn = async (email: string, code: string): Promise<Session> => {
    const json = { type: 'recovery', email, token: code };
    const answer = await api.client.ask<Session>('POST', '/auth/v1/verify', { json });
    expect(answer.status).toBe(200);
    return answer.body;
  };
  const statusOf = async ({ access_token: token }: Session): Promise<number> =>
    (await api.client.ask('GET', '/auth/v1/user', { headers: { authorization: `Bearer ${token}` } })).status;

  // Before: a link and a code that wait in mailboxes, and somebody who is signed in.
  for (const email of ['link@example.com', 'code@example.com', 'session@example.com'])
    expect((await api.client.register(email)).status).toBe(201);
  const [byLink, byCode] = [
    await nextMail(scene.inbox, 'link@example.com'),
    await nextMail(scene.inbox, 'code@example.com'),
  ];
  const registration = await nextMail(scene.inbox, 'session@example.com');
  await api.client.ask('POST', '/auth/v1/recover', { json: { email: 'session@example.com' } });
  const recovery = await nextMail(scene.inbox, 'session@example.com', registration);
  const session = await signIn('session@example.com', recovery.code ?? '');
  await untilSettled(api.client);
  const before = await keysOf();
  expect(new Set(before.values())).toEqual(new Set(['1']));

  // The new keys join: workers first, which know both from then on, then the API; people register all the while.
  const joined = `${oldKey},${newKey}`;
  const arriving: string[] = [];
  const joining = new AbortController();
  const arrive = async (): Promise<void> => {
    while (!joining.signal.aborted) {
      const email = `arriving-${arriving.length}@example.com`;
      expect((await api.client.register(email)).status).toBe(201);
      arriving.push(email);
      // A steady trickle is enough, however fast the machine is.
      await delay(20);
    }
  };
  const load = arrive();
  // Looked at below; until then a rejection must not end the run.
  load.catch(() => undefined);
  for (const old of workers.splice(0)) {
    workers.push(await scene.startWorker({ TOKEN_KEYS: joined }));
    expect((await old.terminate()).code).toBe(0);
  }
  const first = api;
  // First in the list verifies, last signs: nobody may be shown a key that the others do not know yet.
  api = await startApi(joined, `${newSession},${oldSessionKey}`, `${webhookKey},${newWebhookKey}`);
  joining.abort();
  await load;
  expect(arriving.length).toBeGreaterThan(10);
  expect((await first.terminate()).code).toBe(0);
  await untilSettled(api.client);
  expect(await statusOf(session)).toBe(200);
  expect((await reportEvent(api.client, 'delivered', byLink)).status).toBe(200);
  expect((await reportEvent(api.client, 'delivered', byLink, newWebhookKey)).status).toBe(200);

  // From now on the new ones sign. What comes from here needs no old key.
  const second = api;
  api = await startApi(joined, `${oldSessionKey},${newSession}`, `${webhookKey},${newWebhookKey}`);
  await second.terminate();
  const late = addresses('late', 5);
  for (const email of late) expect((await api.client.register(email)).status).toBe(201);
  await untilSettled(api.client);
  const made = [...(await keysOf())].filter(([id]) => !before.has(id));
  expect(made.slice(-late.length).map(([, version]) => version)).toEqual(late.map(() => '2'));
  expect((await api.client.confirm(tokenOf(byLink))).status).toBe(200);
  const refreshed = await api.client.ask<Session>('POST', '/auth/v1/token?grant_type=refresh_token', {
    json: { refresh_token: session.refresh_token },
  });
  expect(refreshed.status).toBe(200);
  expect(keyIdOf(refreshed.body)).toBe('new');
  expect(keyIdOf(session)).toBe('old');
  expect(await statusOf(session)).toBe(200);

  // The old ones go. Codes and links that they made go on working, for only hashes of them are compared.
  const [worker] = workers;
  await worker?.terminate();
  await scene.startWorker({ TOKEN_KEYS: newKey });
  const third = api;
  api = await startApi(newKey, newSession, newWebhookKey);
  await third.terminate();
  const code = await api.client.ask('POST', '/v1/verify', {
    json: { email: 'code@example.com', code: byCode.code },
  });
  expect(code.status).toBe(200);
  await untilSettled(api.client);
  // The newest link of everybody works who has not used it: each mail was one, and none is dead.
  await expectOneMailForEach(
    scene.inbox,
    api.client,
    [
      ...arriving,
      ...late,
      'link@example.com',
      'code@example.com',
      'session@example.com',
      'session@example.com',
    ],
    ['link@example.com', 'code@example.com', 'session@example.com'],
  );
  expect(await statusOf(refreshed.body)).toBe(200);
  // GoTrue's word for a token that nobody's key has signed.
  expect(await statusOf(session)).toBe(403);
  expect((await reportEvent(api.client, 'delivered', byCode)).status).toBe(401);
  expect((await reportEvent(api.client, 'delivered', byCode, newWebhookKey)).status).toBe(200);
});

/** Which key signed an access token: its header's `kid` (RFC 7515, 4.1.4). */
const keyIdOf = ({ access_token: token }: Session): unknown =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid?: string }).kid;
