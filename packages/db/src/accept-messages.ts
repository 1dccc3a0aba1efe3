import { sql } from 'kysely';
import type { ChangeSide } from '@reconfirm/core/contact-change';
import type { Channel } from '@reconfirm/core/destination';
import type { Database } from './database.ts';
import { named } from './named-statements.ts';

/** A request as it is accepted: no address and no token, only keyed hashes. */
export interface MessageRequest {
  readonly id: string;
  readonly organizationId: string;
  readonly subjectKey: Uint8Array;
  readonly addressKey: Uint8Array;
  readonly limitKey: Uint8Array;
  readonly ipKey: Uint8Array;
  readonly purpose: string;
  readonly channel: Channel;
  readonly contract: string;
  readonly locale: string | null;
  readonly redirectUrl: string | null;
  readonly idempotency: { readonly key: Uint8Array; readonly requestHash: Uint8Array } | null;
  /** What the contract must remember from here to the confirmation. No secret, no address. */
  readonly context?: Readonly<Record<string, unknown>> | null;
  /** What is needed to send it to somebody without an account, sealed; forgotten when it is settled. */
  readonly sealed?: Uint8Array | null;
  /** Of a change of address: the account that asked, and whose consent this message is to bring. */
  readonly change?: { readonly accountId: string; readonly id: string; readonly side: ChangeSide } | null;
}

/** `taken`: another request holds the idempotency key; its row is the truth and nothing was written. */
export type Acceptance = 'accepted' | 'taken';

const bytes = (value: Uint8Array | undefined): Buffer | null =>
  value === undefined ? null : Buffer.from(value);

/** Only where there is a key: for each row it costs a look before and a confirmation after. */
const skipTaken = sql`ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING`;
const nothing = sql``;

/**
 * Writes many requests in one statement and one commit. Their order by `seq` is the order given, so
 * the last of two requests for one subject in a batch is the newer one. From the commit on, the newest
 * row of a subject owns the only live token: nothing else has to be written to end the older ones.
 */
export const acceptMessages = async (
  db: Database,
  requests: readonly MessageRequest[],
): Promise<readonly Acceptance[]> => {
  const isKeyed = requests.some((r) => r.idempotency !== null);
  const { rows } = await sql<{ id: string }>`
    ${isKeyed ? named('accept_keyed_messages') : named('accept_messages')} INSERT INTO messages (
      id, organization_id, subject_key, address_key, limit_key, ip_key,
      purpose, channel, contract, locale, redirect_url, idempotency_key, request_hash,
      context, account_id, change_id, side, sealed)
    SELECT r.id, r.organization_id, r.subject_key, r.address_key, r.limit_key, r.ip_key,
           r.purpose, r.channel, r.contract, r.locale, r.redirect_url, r.idempotency_key, r.request_hash,
           r.context, r.account_id, r.change_id, r.side, r.sealed
      FROM unnest(
        ${requests.map((r) => r.id)}::uuid[],
        ${requests.map((r) => r.organizationId)}::uuid[],
        ${requests.map((r) => bytes(r.subjectKey))}::bytea[],
        ${requests.map((r) => bytes(r.addressKey))}::bytea[],
        ${requests.map((r) => bytes(r.limitKey))}::bytea[],
        ${requests.map((r) => bytes(r.ipKey))}::bytea[],
        ${requests.map((r) => r.purpose)}::text[],
        ${requests.map((r) => r.channel)}::text[],
        ${requests.map((r) => r.contract)}::text[],
        ${requests.map((r) => r.locale)}::text[],
        ${requests.map((r) => r.redirectUrl)}::text[],
        ${requests.map((r) => bytes(r.idempotency?.key))}::bytea[],
        ${requests.map((r) => bytes(r.idempotency?.requestHash))}::bytea[],
        ${requests.map((r) => (r.context ? JSON.stringify(r.context) : null))}::jsonb[],
        ${requests.map((r) => r.change?.accountId ?? null)}::uuid[],
        ${requests.map((r) => r.change?.id ?? null)}::uuid[],
        ${requests.map((r) => r.change?.side ?? null)}::text[],
        ${requests.map((r) => bytes(r.sealed ?? undefined))}::bytea[]
      ) WITH ORDINALITY AS r (
        id, organization_id, subject_key, address_key, limit_key, ip_key,
        purpose, channel, contract, locale, redirect_url, idempotency_key, request_hash,
        context, account_id, change_id, side, sealed, position)
     ORDER BY r.position
    ${isKeyed ? skipTaken : nothing}
    RETURNING id`.execute(db);
  const written = new Set(rows.map((row) => row.id));
  return requests.map((r) => (written.has(r.id) ? 'accepted' : 'taken'));
};

/** The request that an idempotency key was first used for, or undefined when it is free. */
export const findIdempotentRequest = async (
  db: Database,
  idempotencyKey: Uint8Array,
): Promise<{ readonly messageId: string; readonly requestHash: Uint8Array } | undefined> => {
  const row = await db
    .selectFrom('messages')
    .select(['id', 'request_hash'])
    .where('idempotency_key', '=', Buffer.from(idempotencyKey))
    .executeTakeFirst();
  return row === undefined
    ? undefined
    : { messageId: row.id, requestHash: row.request_hash ?? new Uint8Array() };
};
