import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import type { MessageStatus } from '@reconfirm/core/message';
import { countMessages, type NumbersFilter } from '../src/numbers.ts';
import { claim, confirm, recordOf, startOf, tokenHashOf } from './support/delivery.ts';
import { beginAttempts } from '../src/claims.ts';
import { recordMessages } from '../src/records.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { openTestDatabase } from './support/database.ts';
import { accept, createAccount } from './support/rows.ts';

const db = await openTestDatabase();
const hourAgo = new Date(Date.now() - 3_600_000);
const later = new Date(Date.now() + 3_600_000);
const filter = (changes: Partial<NumbersFilter> = {}): NumbersFilter => ({
  from: hourAgo,
  to: later,
  by: [],
  reporting: { email: ['mailgun'], sms: ['twilio'] },
  locales: ['en', 'pt-BR', 'de'],
  limit: 100,
  ...changes,
});

interface Story {
  readonly status?: MessageStatus;
  readonly provider?: string;
  readonly domain?: string;
  readonly locale?: string | null;
  readonly purpose?: string;
  readonly isConfirmed?: boolean;
  readonly sentHoursAgo?: number;
}

/** One message brought to where the story ends, by the statements that bring it there. */
const tell = async ({ status = 'sent', provider = 'mailgun', ...story }: Story): Promise<void> => {
  const account = await createAccount(db);
  const changes = { locale: story.locale ?? null, purpose: story.purpose ?? 'signup' };
  const id = await accept(db, account.email, changes);
  if (status === 'queued') return;
  const claimed = await claim(db, id);
  if (status === 'skipped') {
    await recordMessages(db, [recordOf(claimed, { status, reason: 'unknown_account', result: null })]);
    return;
  }
  const start = startOf(claimed, account.id, provider);
  await beginAttempts(db, [{ ...start, recipientDomain: story.domain ?? 'other' }]);
  const atOnce = status === 'bounced' && story.sentHoursAgo === undefined;
  await recordMessages(db, [
    atOnce
      ? recordOf(claimed, { status: 'bounced', reason: 'recipient_refused', result: 'permanent' })
      : recordOf(claimed),
  ]);
  await db
    .updateTable('messages')
    .set({
      status,
      ...(story.sentHoursAgo !== undefined && {
        sent_at: sql<Date>`now() - make_interval(hours => ${story.sentHoursAgo})`,
      }),
    })
    .where('id', '=', id)
    .execute();
  if (story.isConfirmed === true) await confirm(db, tokenHashOf(id));
};

beforeAll(async () => {
  const stories: readonly Story[] = [
    { status: 'delivered', domain: 'gmail.com', locale: 'de-AT', isConfirmed: true },
    { status: 'delivered', domain: 'gmail.com', locale: 'pt-BR' },
    { status: 'sent' },
    { status: 'sent', sentHoursAgo: 25 },
    { status: 'bounced', locale: 'xx' },
    { status: 'bounced', sentHoursAgo: 0 },
    { status: 'complained', purpose: 'recovery' },
    { status: 'sent', provider: 'smtp', isConfirmed: true, sentHoursAgo: 30 },
    { status: 'skipped' },
    { status: 'queued' },
    { status: 'bounced', purpose: 'test' },
  ];
  for (const story of stories) await tell(story);
});

test('each settled message counts once, by where it stands, and an operator’s test does not', async () => {
  const [all, ...more] = await countMessages(db, filter());
  expect(more).toEqual([]);
  expect(all).toEqual({
    group: {},
    settled: 9,
    notSent: 1,
    gaveUp: 0,
    attempted: 8,
    sent: 7,
    delivered: 3,
    bounced: 2,
    complained: 1,
    unconfirmed: 1,
    reporting: 7,
    reportedDelivered: 3,
    provable: 7,
    verified: 2,
  });
});

test('groups are of each value that there is and add up to the whole', async () => {
  const byProvider = await countMessages(db, filter({ by: ['provider'] }));
  expect(byProvider.map(({ group, settled, unconfirmed }) => [group.provider, settled, unconfirmed])).toEqual(
    [
      ['mailgun', 7, 1],
      ['none', 1, 0],
      ['smtp', 1, 0],
    ],
  );
  const byDomain = await countMessages(db, filter({ by: ['domain', 'purpose'] }));
  expect(byDomain.map(({ group, settled }) => [group.domain, group.purpose, settled])).toEqual([
    ['other', 'signup', 5],
    ['gmail.com', 'signup', 2],
    ['none', 'signup', 1],
    ['other', 'recovery', 1],
  ]);
  const byHour = await countMessages(db, filter({ by: ['hour'] }));
  expect(byHour.reduce((sum, { settled }) => sum + settled, 0)).toBe(9);
  for (const { group } of byHour) expect(group.hour).toMatch(/^\d{4}-\d\d-\d\dT\d\d:00:00Z$/);
});

test('a language is one of ours, what it is a variant of, or other: no caller makes groups', async () => {
  const byLocale = await countMessages(db, filter({ by: ['locale'] }));
  expect(byLocale.map(({ group, settled }) => [group.locale, settled])).toEqual([
    ['none', 6],
    ['de', 1],
    ['other', 1],
    ['pt-BR', 1],
  ]);
});

test('only the span and the organization asked for count, and no more groups than the limit', async () => {
  expect(await countMessages(db, filter({ to: hourAgo, from: new Date(0) }))).toEqual([]);
  expect(await countMessages(db, filter({ organizationId: defaultOrganizationId }))).toHaveLength(1);
  expect(await countMessages(db, filter({ organizationId: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01' }))).toEqual(
    [],
  );
  expect(await countMessages(db, filter({ by: ['provider'], limit: 1 }))).toHaveLength(1);
});
