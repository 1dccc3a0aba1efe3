import { CompiledQuery } from 'kysely';
import type { AccountStatus } from '@reconfirm/core/account';
import type { ChangeSide } from '@reconfirm/core/contact-change';
import type { Channel } from '@reconfirm/core/destination';
import type { Database } from './database.ts';
import { namePrefix } from './named-statements.ts';

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
  /** States of the address's account in which nothing is written; without any, no account is read. */
  readonly unless?: readonly AccountStatus[];
}

/**
 * `taken`: another request holds the idempotency key; its row is the truth. `instead`: the account is in
 * a state that the caller is told of instead. Of both nothing was written.
 */
export type Acceptance = 'accepted' | 'taken' | { readonly instead: AccountStatus };

interface Column {
  readonly name: string;
  readonly type: 'uuid' | 'bytea' | 'text' | 'jsonb';
  readonly of: (request: MessageRequest) => unknown;
}

/** What every request says. */
const plainColumns: readonly Column[] = [
  { name: 'id', type: 'uuid', of: (r) => r.id },
  { name: 'organization_id', type: 'uuid', of: (r) => r.organizationId },
  { name: 'subject_key', type: 'bytea', of: (r) => r.subjectKey },
  { name: 'address_key', type: 'bytea', of: (r) => r.addressKey },
  { name: 'limit_key', type: 'bytea', of: (r) => r.limitKey },
  { name: 'ip_key', type: 'bytea', of: (r) => r.ipKey },
  { name: 'purpose', type: 'text', of: (r) => r.purpose },
  { name: 'channel', type: 'text', of: (r) => r.channel },
  { name: 'contract', type: 'text', of: (r) => r.contract },
  { name: 'locale', type: 'text', of: (r) => r.locale },
  { name: 'redirect_url', type: 'text', of: (r) => r.redirectUrl },
];

const furtherColumns: readonly Column[] = [
  { name: 'idempotency_key', type: 'bytea', of: (r) => r.idempotency?.key ?? null },
  { name: 'request_hash', type: 'bytea', of: (r) => r.idempotency?.requestHash ?? null },
  { name: 'context', type: 'jsonb', of: (r) => (r.context ? JSON.stringify(r.context) : null) },
  { name: 'account_id', type: 'uuid', of: (r) => r.change?.accountId ?? null },
  { name: 'change_id', type: 'uuid', of: (r) => r.change?.id ?? null },
  { name: 'side', type: 'text', of: (r) => r.change?.side ?? null },
  { name: 'sealed', type: 'bytea', of: (r) => r.sealed ?? null },
];

const isPlain = (request: MessageRequest): boolean =>
  request.idempotency === null && !request.context && !request.change && !request.sealed;

interface Insert {
  readonly text: string;
  readonly columns: readonly Column[];
}

interface InsertedRow {
  readonly id: string;
  readonly instead?: AccountStatus | null;
}

const skipTaken = 'ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING';
const arraysOf = (columns: readonly Column[]): string =>
  columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
const namesOf = (columns: readonly Column[]): string => columns.map((column) => column.name).join(', ');

const insertOf = (name: string, columns: readonly Column[], onConflict: string): Insert => ({
  text: `${namePrefix(name)} INSERT INTO messages (${namesOf(columns)})
    SELECT ${namesOf(columns)} FROM unnest(${arraysOf(columns)}) WITH ORDINALITY AS r (${namesOf(columns)}, position)
     ORDER BY position ${onConflict} RETURNING id`,
  columns,
});

/** Reads the account of each request too, by one probe of an index, the same whether there is one or not. */
const insertUnlessOf = (name: string, written: readonly Column[], onConflict: string): Insert => {
  const columns: readonly Column[] = [
    ...written,
    { name: 'unless', type: 'text', of: (r) => r.unless?.join(',') ?? null },
  ];
  const text = `${namePrefix(name)} WITH asked AS (
      SELECT r.*, (SELECT a.status FROM accounts a
                    WHERE a.organization_id = r.organization_id AND a.email_key = r.address_key) AS found
        FROM unnest(${arraysOf(columns)}) WITH ORDINALITY AS r (${namesOf(columns)}, position)),
    written AS (
      INSERT INTO messages (${namesOf(written)}) SELECT ${namesOf(written)} FROM asked
       WHERE (found = ANY (string_to_array(unless, ','))) IS NOT TRUE
       ORDER BY position ${onConflict} RETURNING id)
    SELECT id, NULL AS instead FROM written
    UNION ALL SELECT id, found FROM asked WHERE found = ANY (string_to_array(unless, ','))`;
  return { text, columns };
};

/**
 * Nearly every batch is plain. ON CONFLICT costs each row a look before and a confirmation after, and
 * each array a parameter to write and read, whatever is in it.
 */
const inserts = {
  plain: insertOf('accept_plain', plainColumns, ''),
  full: insertOf('accept', [...plainColumns, ...furtherColumns], skipTaken),
  plainUnless: insertUnlessOf('accept_plain_unless', plainColumns, ''),
  fullUnless: insertUnlessOf('accept_unless', [...plainColumns, ...furtherColumns], skipTaken),
} as const;

const insertFor = (requests: readonly MessageRequest[]): Insert => {
  const plain = requests.every(isPlain);
  const readsAccounts = requests.some((request) => request.unless !== undefined);
  if (readsAccounts) return plain ? inserts.plainUnless : inserts.fullUnless;
  return plain ? inserts.plain : inserts.full;
};

/**
 * Writes many requests in one statement and one commit. Their order by `seq` is the order given, so
 * the last of two requests for one subject in a batch is the newer one. From the commit on, the newest
 * row of a subject owns the only live token: nothing else has to be written to end the older ones.
 */
export const acceptMessages = async (
  db: Database,
  requests: readonly MessageRequest[],
): Promise<readonly Acceptance[]> => {
  const { text, columns } = insertFor(requests);
  const values = columns.map((column) => requests.map(column.of));
  const { rows } = await db.executeQuery<InsertedRow>(CompiledQuery.raw(text, values));
  const answers = new Map<string, Acceptance>(
    rows.map((row) => [row.id, row.instead ? { instead: row.instead } : 'accepted']),
  );
  return requests.map((request) => answers.get(request.id) ?? 'taken');
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
