import type { AccountStatus } from '@reconfirm/core/account';
import { describe, expect, test } from 'vitest';
import {
  acceptMessages,
  type Acceptance,
  findIdempotentRequest,
  type MessageRequest,
} from '../src/accept-messages.ts';
import { createBatcher } from '../src/batcher.ts';
import { isDataError } from '../src/database.ts';
import { openTestDatabase } from './support/database.ts';
import { createAccount, hashOf, messageRow, newEmail, requestFor } from './support/rows.ts';

const db = await openTestDatabase();

const seqOf = async (id: string): Promise<bigint> => BigInt((await messageRow(db, id)).seq);

const idempotency = (key: string, request = 'request') => ({
  key: hashOf(key),
  requestHash: hashOf(request),
});

test('500 requests are one statement, and their order is the order of their sequence', async () => {
  // Ids in descending order: neither the ids nor an index can have made the order.
  const requests = Array.from({ length: 500 }, () => requestFor(newEmail())).toReversed();
  expect(await acceptMessages(db, requests)).toEqual(requests.map(() => 'accepted'));
  const seqs = await Promise.all(requests.map((r) => seqOf(r.id)));
  expect(seqs).toEqual(seqs.toSorted((a, b) => (a < b ? -1 : 1)));
});

test('every field comes back as it was given', async () => {
  const request = requestFor(newEmail(), {
    locale: 'es',
    redirectUrl: 'https://app.example/x',
    idempotency: idempotency('fields'),
  });
  await acceptMessages(db, [request]);
  expect(await messageRow(db, request.id)).toMatchObject({
    organization_id: request.organizationId,
    subject_key: request.subjectKey,
    address_key: request.addressKey,
    limit_key: request.limitKey,
    ip_key: request.ipKey,
    purpose: 'signup',
    channel: 'email',
    contract: 'v1',
    locale: 'es',
    redirect_url: 'https://app.example/x',
    idempotency_key: request.idempotency?.key,
    request_hash: request.idempotency?.requestHash,
    status: 'queued',
    attempt: 0,
  });
});

test('each request of a batch keeps what it has of its own, however much the others are alike', async () => {
  const requests = [
    requestFor(newEmail()),
    requestFor(newEmail(), { locale: 'es' }),
    requestFor(newEmail(), { redirectUrl: 'https://app.example/y' }),
    requestFor(newEmail(), { purpose: 'recovery', contract: 'other' }),
  ];
  await acceptMessages(db, requests);
  for (const { id, locale, redirectUrl, purpose, contract } of requests)
    expect(await messageRow(db, id)).toMatchObject({
      locale,
      redirect_url: redirectUrl,
      purpose,
      contract,
    });
});

describe('a request that is not accepted in some states of its account', () => {
  const withAccount = async (status: AccountStatus): Promise<string> =>
    (await createAccount(db, status)).email;

  test.each([undefined, 'unless-key'])(
    'writes nothing in those and a row in all others (key: %s)',
    async (key) => {
      const emails = [
        newEmail(),
        await withAccount('pending'),
        await withAccount('active'),
        await withAccount('suspended'),
      ];
      const requests = emails.map((email, index) =>
        requestFor(email, {
          unless: ['active', 'suspended'],
          idempotency: key === undefined ? null : idempotency(`${key}-${index}`),
        }),
      );
      expect(await acceptMessages(db, requests)).toEqual([
        'accepted',
        'accepted',
        'not_written',
        'not_written',
      ]);
      const ids = requests.map((request) => request.id);
      const written = await db.selectFrom('messages').select('id').where('id', 'in', ids).execute();
      expect(written.map((row) => row.id).toSorted()).toEqual(ids.slice(0, 2).toSorted());
    },
  );

  test('leaves its neighbours alone, whatever the states of their accounts, and keeps their order', async () => {
    const verified = await withAccount('active');
    const requests = [
      requestFor(verified),
      requestFor(verified, { unless: ['active'] }),
      requestFor(verified, { unless: ['suspended'] }),
      requestFor(verified, { unless: [] }),
    ];
    expect(await acceptMessages(db, requests)).toEqual(['accepted', 'not_written', 'accepted', 'accepted']);
    const seqs = await Promise.all([0, 2, 3].map((index) => seqOf(requests[index]?.id ?? '')));
    expect(seqs).toEqual(seqs.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  test('whose idempotency key is taken says so', async () => {
    const [first, second] = [1, 2].map(() =>
      requestFor(newEmail(), { unless: ['active'], idempotency: idempotency('unless-taken') }),
    );
    if (first === undefined || second === undefined) throw new Error('two requests were made');
    expect(await acceptMessages(db, [first, second])).toEqual(['accepted', 'not_written']);
  });
});

describe('an idempotency key', () => {
  test('belongs to its first request, also within one batch, and its neighbours are accepted', async () => {
    const [first, second] = [1, 2].map(() => requestFor(newEmail(), { idempotency: idempotency('twice') }));
    const [before, after] = [requestFor(newEmail()), requestFor(newEmail())];
    if (first === undefined || second === undefined) throw new Error('two requests were made');
    expect(await acceptMessages(db, [before, first, second, after])).toEqual([
      'accepted',
      'accepted',
      'not_written',
      'accepted',
    ]);
    expect(await acceptMessages(db, [requestFor(newEmail(), { idempotency: idempotency('twice') })])).toEqual(
      ['not_written'],
    );
    const found = await findIdempotentRequest(db, hashOf('twice'));
    expect(found).toEqual({ messageId: first.id, requestHash: hashOf('request') });
  });

  test('that 20 requests bring at once lets one of them in', async () => {
    const same = { idempotency: idempotency('race') };
    const results = await Promise.all(
      Array.from({ length: 20 }, () => acceptMessages(db, [requestFor(newEmail(), same)])),
    );
    expect(results.flat().filter((result) => result === 'accepted')).toHaveLength(1);
  });

  test('that nobody used is free', async () => {
    expect(await findIdempotentRequest(db, hashOf('never used'))).toBeUndefined();
  });
});

test('a value that the database refuses fails its own request and none of its neighbours', async () => {
  const batches: number[] = [];
  const batcher = createBatcher<MessageRequest, Acceptance>({
    maxItems: 100,
    maxInFlight: 1,
    maxWaitMs: 10_000,
    retryAlone: isDataError,
    runBatch: (requests) => {
      batches.push(requests.length);
      return acceptMessages(db, requests);
    },
  });
  const good = Array.from({ length: 9 }, () => requestFor(newEmail()));
  // Postgres holds no NUL in text; it refuses the whole statement.
  const bad = requestFor(newEmail(), { locale: 'e\u0000n' });
  const results = await Promise.allSettled(
    [...good.slice(0, 4), bad, ...good.slice(4)].map((r) => batcher.run(r)),
  );
  expect(results.map((r) => r.status)).toEqual(
    Array.from({ length: 10 }, (_, i) => (i === 4 ? 'rejected' : 'fulfilled')),
  );
  expect(batches).toEqual([10, ...Array.from({ length: 10 }, () => 1)]);
  await Promise.all(good.map((request) => messageRow(db, request.id)));
});
