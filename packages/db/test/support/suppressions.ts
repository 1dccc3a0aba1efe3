import { sql } from 'kysely';
import type { Database } from '../../src/database.ts';
import { defaultOrganizationId } from '../../src/schema.ts';
import { findSuppression, listSuppressions, type SuppressionDetails } from '../../src/suppressions.ts';
import { storeDeliveryEvent } from '../../src/delivery-events.ts';
import { claim, send } from './delivery.ts';
import { report } from './reports.ts';
import { accept, hashOf, type MailAccount } from './rows.ts';

/** What a report says of a mailbox that is gone. */
export const hard = { bounce: 'hard', reason: 'bounce: 550 5.1.1 user unknown' } as const;

/** Whether the next message to an account would be kept back. */
export const isSuppressed = async (db: Database, account: MailAccount): Promise<boolean> =>
  (await claim(db, await accept(db, account.email))).isSuppressed;

/** Sends an account a message that comes back for good; resolves with its id. */
export const bounce = async (db: Database, account: MailAccount): Promise<string> => {
  const id = await send(db, account);
  await storeDeliveryEvent(db, report('bounced', id, hard));
  return id;
};

/** What is on record of an address; undefined when it never was suppressed. */
export const suppressionOf = async (
  db: Database,
  address: string,
): Promise<SuppressionDetails | undefined> => {
  const [found] = await listSuppressions(db, {
    organizationId: defaultOrganizationId,
    addressKey: hashOf(address),
    inForceOnly: false,
    limit: 2,
  });
  return found;
};

/** The same, for a test that expects one. */
export const recordedOf = async (db: Database, address: string): Promise<SuppressionDetails> => {
  const found = await suppressionOf(db, address);
  if (found === undefined) throw new Error(`${address} was never suppressed`);
  return found;
};

/** What was noted of it, oldest first. */
export const changesOf = async (db: Database, id: string) =>
  (await findSuppression(db, defaultOrganizationId, id))?.changes ?? [];

/** How many days it lasts from its beginning; null: until it is lifted. */
export const lastsDays = ({
  suppressedAt,
  expiresAt,
}: Pick<SuppressionDetails, 'suppressedAt' | 'expiresAt'>): number | null =>
  expiresAt === null ? null : (expiresAt.getTime() - suppressedAt.getTime()) / 86_400_000;

/** Moves everything about one address into the past: the tests' way to let time pass. */
export const letDaysPass = async (db: Database, address: string, days: number): Promise<void> => {
  const age = sql`make_interval(hours => ${Math.round(days * 24)})`;
  await sql`
    UPDATE suppressions SET suppressed_at = suppressed_at - ${age}, expires_at = expires_at - ${age},
           lifted_at = lifted_at - ${age} WHERE address_key = ${hashOf(address)}`.execute(db);
  await sql`
    UPDATE messages SET sent_at = sent_at - ${age} WHERE address_key = ${hashOf(address)}`.execute(db);
};
