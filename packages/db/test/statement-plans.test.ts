import type { LimitSubject } from '@reconfirm/core/limits';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../src/database.ts';
import { applyParkedEvents, storeDeliveryEvents } from '../src/delivery-events.ts';
import { oldestDueSeconds, reclaimExpiredLeases, takeDueMessages } from '../src/due-messages.ts';
import { readCharges, readChargesOfMany } from '../src/limit-charges.ts';
import { lockMessagesOf, lockToken } from '../src/lock-order.ts';
import { claimLookup } from '../src/lookups.ts';
import { listMessages } from '../src/message-history.ts';
import { countMessages } from '../src/numbers.ts';
import { findNewestMessage } from '../src/newest-message.ts';
import { forgetExpired } from '../src/retention.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { readSessionStates } from '../src/sessions.ts';
import { openTestDatabase } from './support/database.ts';
import { explain } from './support/explain.ts';
import { makePast, type Past, pastSize } from './support/past.ts';
import { report } from './support/reports.ts';
import { newId } from './support/rows.ts';

const db = await openTestDatabase();
let past: Past;
beforeAll(async () => {
  past = await makePast(db);
  // Half a million rows, on a machine that does other things.
}, 180_000);

const organizationId = defaultOrganizationId;
const hour = 3600;

/** Where a plan reads a table from end to end. */
const fullReadsOf = (plan: string): readonly string[] =>
  plan
    .split('\n')
    .filter((line) =>
      /Seq Scan on (messages|delivery_events|limit_charges|sessions|refresh_tokens)/.test(line),
    );

const statements: readonly (readonly [string, string, (db: Database) => Promise<unknown>])[] = [
  ['giving back leases that ran out', 'messages_lease', (on) => reclaimExpiredLeases(on, 200)],
  [
    'taking due messages',
    'messages_due',
    (on) => takeDueMessages(on, { limit: 200, graceMs: 1000, spacingMs: 5000 }),
  ],
  ['the age of the oldest due message', 'messages_due', oldestDueSeconds],
  ['applying parked reports', 'delivery_events_parked', (on) => applyParkedEvents(on, 200)],
  [
    'storing a batch of reports',
    'messages_pkey',
    (on) =>
      storeDeliveryEvents(
        on,
        Array.from({ length: 500 }, () => ({ ...report('delivered', newId()), replayKey: undefined })),
      ),
  ],
  ['forgetting messages', 'messages_settled', (on) => forgetExpired.messages(on, 30)],
  [
    'forgetting requests for unknown people',
    'messages_unknown',
    (on) => forgetExpired.unknownRequests(on, 30),
  ],
  ['forgetting idempotency keys', 'messages_idempotent', (on) => forgetExpired.idempotencyKeys(on, 30)],
  ['forgetting charges', 'limit_charges_charged', (on) => forgetExpired.limitCharges(on, 30)],
  ['forgetting refresh tokens', 'refresh_tokens_expired', (on) => forgetExpired.refreshTokens(on, 30)],
  ['forgetting sessions', 'sessions_expired', (on) => forgetExpired.sessions(on, 30)],
  [
    'reading what sessions are worth',
    'sessions_pkey',
    (on) => readSessionStates(on, [{ sessionId: organizationId, accountId: past.accountId }]),
  ],
  [
    'the newest message of an address',
    'messages_subject',
    (on) => findNewestMessage(on, organizationId, Buffer.alloc(32, 1), 'signup'),
  ],
  ['forgetting reports', 'delivery_events_received', (on) => forgetExpired.deliveryEvents(on, 30)],
  [
    'forgetting reports of strange messages',
    'delivery_events_parked',
    (on) => forgetExpired.parkedEvents(on, 30),
  ],
  [
    'locking what a code belongs to',
    'messages_pkey',
    (on) => lockToken(on, { by: 'code', messageId: organizationId }),
  ],
  [
    'locking the messages of an account that goes',
    'messages_account',
    (on) => lockMessagesOf(on, [past.accountId], [past.limitKey]),
  ],
  [
    'listing the messages of an account',
    'messages_account',
    (on) => listMessages(on, { organizationId, accountId: past.accountId, limit: 21 }),
  ],
  [
    'listing the messages of an address',
    'messages_subject',
    (on) =>
      listMessages(on, {
        organizationId,
        address: {
          key: Buffer.alloc(32, 1),
          subjectKeys: Array.from({ length: 18 }, (_, index) => Buffer.alloc(32, index)),
        },
        limit: 21,
      }),
  ],
  [
    'counting the messages of an hour',
    'messages_settled',
    (on) =>
      countMessages(on, {
        from: new Date(Date.now() - hour * 1000),
        to: new Date(),
        by: ['provider', 'domain', 'purpose', 'locale', 'hour'],
        reporting: { email: ['mailgun'], sms: [] },
        locales: ['en'],
        limit: 1000,
      }),
  ],
  [
    'finding a message that nothing was reported of',
    'messages_never_asked',
    (on) => claimLookup(on, { provider: 'mailgun', afterSeconds: 900 }),
  ],
  [
    'finding a message to ask about again',
    'messages_asked',
    (on) => claimLookup(on, { provider: 'mailgun', afterSeconds: 900 }),
  ],
  [
    'finding a message whose hand-over got no answer',
    'messages_in_doubt',
    (on) => claimLookup(on, { provider: 'mailgun', afterSeconds: 900 }),
  ],
  [
    'listing messages that failed',
    'messages_gone_wrong',
    (on) => listMessages(on, { organizationId, statuses: ['gave_up', 'undelivered', 'bounced'], limit: 21 }),
  ],
];

describe(`with ${pastSize} rows of each kind and a backlog as long`, { timeout: 60_000 }, () => {
  test.each(statements)(
    '%s goes by the index %s and reads no table from end to end',
    async (_, index, run) => {
      const plan = await explain(db, run);
      expect(plan).toContain(index);
      expect(fullReadsOf(plan)).toEqual([]);
    },
  );

  test.each([
    ['ip', 'messages_ip'],
    ['address', 'messages_limit'],
  ] as const)('the charges of a busy %s are read from the window only', async (kind, index) => {
    const key = kind === 'ip' ? past.ipKey : past.limitKey;
    const subject: LimitSubject = {
      kind,
      key,
      limits: [{ max: 5, windowSeconds: hour }],
      rememberSeconds: hour,
    };
    for (const run of [
      (on: Database) => readCharges(on, subject),
      (on: Database) => readChargesOfMany(on, [subject]),
    ]) {
      const plan = await explain(db, run);
      expect(plan).toContain(index);
      expect(fullReadsOf(plan)).toEqual([]);
      expect(plan).toMatch(/Index Cond: .*accepted_at > \(?statement_timestamp\(\)/);
    }
  });
});
