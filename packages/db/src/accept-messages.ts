import { CompiledQuery } from 'kysely';
import type { AccountStatus } from '@reconfirm/core/account';
import type { ChangeSide } from '@reconfirm/core/contact-change';
import type { Channel } from '@reconfirm/core/destination';
import type { Priority } from '@reconfirm/core/purposes/purpose';
import { priorityOf } from '@reconfirm/core/purposes/registry';
import type { Database } from './database.ts';
import { namePrefix } from './named-statements.ts';
import { waitBudget } from './wait-budget.ts';

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
  /** As its purpose's, unless it is said. */
  readonly priority?: Priority | undefined;
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
  /** Whether whoever asked has solved a captcha: it lets a message through to somebody who once complained. */
  readonly passedCaptcha?: boolean;
  /** States of the address's account in which nothing is written; without any, no account is read. */
  readonly unless?: readonly AccountStatus[];
  /** The memory under which Redis charged it (`beginLimitMemory`); null: it was charged in the rows, or nowhere. */
  readonly limitMemory?: number | null;
}

/**
 * `not_written`: another request holds the idempotency key and its row is the truth, or the account is in a
 * state of `unless`, or its charge was forgotten (`limitMemory`).
 */
export type Acceptance = 'accepted' | 'not_written';

/** How urgent a request is: as its purpose, unless it says otherwise. */
export const priorityOfRequest = ({ priority, purpose }: MessageRequest): Priority =>
  priority ?? priorityOf(purpose);

interface Column {
  readonly name: string;
  readonly type: 'uuid' | 'bytea' | 'text' | 'jsonb' | 'boolean' | 'smallint' | 'bigint';
  readonly of: (request: MessageRequest) => unknown;
}

const ownColumns: readonly Column[] = [
  { name: 'id', type: 'uuid', of: (r) => r.id },
  { name: 'subject_key', type: 'bytea', of: (r) => r.subjectKey },
  { name: 'address_key', type: 'bytea', of: (r) => r.addressKey },
  { name: 'limit_key', type: 'bytea', of: (r) => r.limitKey },
  { name: 'ip_key', type: 'bytea', of: (r) => r.ipKey },
];

/** What the requests of one contract mostly have in common. */
const commonColumns: readonly Column[] = [
  { name: 'organization_id', type: 'uuid', of: (r) => r.organizationId },
  { name: 'purpose', type: 'text', of: (r) => r.purpose },
  { name: 'channel', type: 'text', of: (r) => r.channel },
  { name: 'contract', type: 'text', of: (r) => r.contract },
  { name: 'locale', type: 'text', of: (r) => r.locale },
  { name: 'redirect_url', type: 'text', of: (r) => r.redirectUrl },
  { name: 'priority', type: 'smallint', of: priorityOfRequest },
];

/** What a request is asked by and does not keep. */
const memoryColumn: Column = { name: 'limit_memory', type: 'bigint', of: (r) => r.limitMemory ?? null };
const unlessColumn: Column = { name: 'unless', type: 'text', of: (r) => r.unless?.join(',') ?? null };

/** What hardly a request has. */
const rareColumns: readonly Column[] = [
  { name: 'idempotency_key', type: 'bytea', of: (r) => r.idempotency?.key ?? null },
  { name: 'request_hash', type: 'bytea', of: (r) => r.idempotency?.requestHash ?? null },
  { name: 'context', type: 'jsonb', of: (r) => (r.context ? JSON.stringify(r.context) : null) },
  { name: 'account_id', type: 'uuid', of: (r) => r.change?.accountId ?? null },
  { name: 'change_id', type: 'uuid', of: (r) => r.change?.id ?? null },
  { name: 'side', type: 'text', of: (r) => r.change?.side ?? null },
  { name: 'sealed', type: 'bytea', of: (r) => r.sealed ?? null },
  { name: 'passed_captcha', type: 'boolean', of: (r) => r.passedCaptcha ?? false },
];

const isPlain = (request: MessageRequest): boolean =>
  request.idempotency === null &&
  !request.context &&
  !request.change &&
  !request.sealed &&
  !request.passedCaptcha;

interface Insert {
  readonly text: string;
  /** Columns given once for each request, and once for all. */
  readonly listed: readonly Column[];
  readonly shared: readonly Column[];
}

interface InsertShape {
  readonly name: string;
  readonly listed: readonly Column[];
  readonly shared: readonly Column[];
  readonly unless: boolean;
  /** Where the memory is told: of each request, or of all by one question. */
  readonly memory: 'listed' | 'shared';
  readonly onConflict: string;
}

const namesOf = (columns: readonly Column[]): string => columns.map((column) => column.name).join(', ');

/** By one probe of an index for each request, the same whether there is an account or not. */
const isInNamedState = `((SELECT a.status FROM accounts a
  WHERE a.organization_id = r.organization_id AND a.email_key = r.address_key)
    = ANY (string_to_array(r.unless, ','))) IS TRUE`;

const insertOf = ({ name, unless, memory, onConflict, ...told }: InsertShape): Insert => {
  const asked = unless ? [unlessColumn] : [];
  const listed = memory === 'listed' ? [...told.listed, memoryColumn, ...asked] : told.listed;
  const shared = memory === 'shared' ? [...told.shared, memoryColumn, ...asked] : told.shared;
  const arrays = listed.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
  const values = shared.map(
    (column, index) => `, $${listed.length + index + 1}::${column.type} AS ${column.name}`,
  );
  const written = namesOf([...told.listed, ...told.shared]);
  const isRemembered =
    memory === 'listed'
      ? 'holds_limit_memory(r.limit_memory)'
      : `(SELECT holds_limit_memory($${listed.length + shared.indexOf(memoryColumn) + 1}::bigint))`;
  return {
    text: `${namePrefix(name)} INSERT INTO messages (${written}) SELECT ${written}
      FROM (SELECT l.*${values.join('')}
              FROM unnest(${arrays}) WITH ORDINALITY AS l (${namesOf(listed)}, position)) r
      WHERE ${isRemembered}${unless ? ` AND NOT ${isInNamedState}` : ''}
      ORDER BY position ${onConflict} RETURNING id`,
    listed,
    shared,
  };
};

const skipTaken = 'ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING';
const everyColumn = [...ownColumns, ...commonColumns, ...rareColumns];

/**
 * Nearly every batch is plain: nothing rare in it, and the common things the same in all. ON CONFLICT costs
 * each row a look before and a confirmation after, each array writing and reading all of it.
 */
const inserts = {
  plain: insertOf({
    name: 'accept_plain',
    listed: ownColumns,
    shared: commonColumns,
    unless: false,
    memory: 'shared',
    onConflict: '',
  }),
  plainUnless: insertOf({
    name: 'accept_plain_unless',
    listed: ownColumns,
    shared: commonColumns,
    unless: true,
    memory: 'shared',
    onConflict: '',
  }),
  any: insertOf({
    name: 'accept',
    listed: everyColumn,
    shared: [],
    unless: false,
    memory: 'listed',
    onConflict: skipTaken,
  }),
  anyUnless: insertOf({
    name: 'accept_unless',
    listed: everyColumn,
    shared: [],
    unless: true,
    memory: 'listed',
    onConflict: skipTaken,
  }),
} as const;

const insertFor = (requests: readonly MessageRequest[]): Insert => {
  const readsAccounts = requests.some((request) => request.unless !== undefined);
  const plain = readsAccounts ? inserts.plainUnless : inserts.plain;
  const [first] = requests;
  const isAlike = ({ of }: Column): boolean => {
    const value = first && of(first);
    return requests.every((request) => of(request) === value);
  };
  if (requests.every(isPlain) && plain.shared.every(isAlike)) return plain;
  return readsAccounts ? inserts.anyUnless : inserts.any;
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
  const [first] = requests;
  if (first === undefined) return [];
  const { text, listed, shared } = insertFor(requests);
  const values = [
    ...listed.map((column) => requests.map(column.of)),
    ...shared.map((column) => column.of(first)),
  ];
  const insert = async (on: Database): Promise<readonly { readonly id: string }[]> =>
    (await on.executeQuery<{ id: string }>(CompiledQuery.raw(text, values))).rows;
  const rows = await (db.isTransaction
    ? insert(db)
    : db.connection().execute((held) =>
        // Where the server would go on when we have stopped listening: in a transaction that is never committed then.
        waitBudget()?.outlastsStatement() === false ? held.transaction().execute(insert) : insert(held),
      ));
  const written = new Set(rows.map((row) => row.id));
  return requests.map((request) => (written.has(request.id) ? 'accepted' : 'not_written'));
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
