import { extensionSecondsMax } from '@reconfirm/core/invitation';
import type { MessageStatus } from '@reconfirm/core/message';
import { sql } from 'kysely';
import { acceptMessages, type MessageRequest } from './accept-messages.ts';
import { cancelMessages, subjectKeysOf } from './cancel-messages.ts';
import { type ChargeForgotten, chargedTransaction } from './charged-transaction.ts';
import type { Database } from './database.ts';
import { lockOrganization, tell, type UserDetails, userOf } from './users.ts';

export interface NewUser {
  readonly id: string;
  readonly organizationId: string;
  readonly email: string;
  readonly emailKey: Uint8Array;
  readonly name: string | null;
  readonly isAdmin: boolean;
  readonly locale: string | null;
}

export type InviteUserOutcome =
  | { readonly kind: 'invited'; readonly user: UserDetails }
  /** The address is taken, or the organization has no seat left: nothing was written. */
  | { readonly kind: 'duplicate' | 'no_seat' };

/** Creates a user with the invitation that it is to get, all or nothing. `seats` null: as many as come. */
export const inviteUser = async (
  db: Database,
  user: NewUser,
  invitation: { readonly message: MessageRequest; readonly by: string; readonly seats: number | null },
): Promise<InviteUserOutcome | ChargeForgotten> =>
  chargedTransaction(db, invitation.message.limitMemory, async (tx): Promise<InviteUserOutcome> => {
    if (invitation.seats !== null && !(await hasSeat(tx, user.organizationId, invitation.seats)))
      return { kind: 'no_seat' };
    const row = await tx
      .insertInto('accounts')
      .values({
        id: user.id,
        organization_id: user.organizationId,
        email: user.email,
        email_key: Buffer.from(user.emailKey),
        name: user.name,
        locale: user.locale,
        is_admin: user.isAdmin,
      })
      .onConflict((conflict) => conflict.columns(['organization_id', 'email_key']).doNothing())
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) return { kind: 'duplicate' };
    const { message, by } = invitation;
    await tx
      .insertInto('invitations')
      .values({ account_id: row.id, message_id: message.id, invited_by: by })
      .execute();
    await acceptMessages(tx, [message]);
    await tell(tx, row.id, 'USER_INVITED', { messageId: message.id, by });
    return { kind: 'invited', user: userOf(row) };
  });

/** Counts no further than there are seats. */
const hasSeat = async (tx: Database, organizationId: string, seats: number): Promise<boolean> => {
  await lockOrganization(tx, organizationId);
  const { rows } = await sql<{ taken: number }>`
    SELECT count(*)::int AS taken FROM (
      SELECT FROM accounts WHERE organization_id = ${organizationId} LIMIT ${seats}) counted`.execute(tx);
  return (rows[0]?.taken ?? 0) < seats;
};

/** An invitation as it stands, by the database's clock. */
export interface InvitationDetails {
  readonly accountId: string;
  readonly email: string | null;
  /** The address was proved, or an operator let the user in. */
  readonly isAccepted: boolean;
  readonly generation: number;
  readonly invitedBy: string;
  readonly askedAt: Date;
  readonly isRevoked: boolean;
  readonly messageStatus: MessageStatus | null;
  readonly sentAt: Date | null;
  /** Null while no token was made. */
  readonly expiresAt: Date | null;
  readonly isExpired: boolean | null;
}

/** Whether `a`, an account, has accepted. */
export const isAccepted = sql`(a.status <> 'pending' AND (a.status <> 'suspended' OR a.verified_at IS NOT NULL))`;

/** What `InvitationDetails` is made of, for a statement that reads `invitationRows`. */
export const invitationFacts = sql`
  a.id AS "accountId", a.email, i.generation, i.invited_by AS "invitedBy", ${isAccepted} AS "isAccepted",
  i.asked_at AS "askedAt", i.revoked_at IS NOT NULL AS "isRevoked", m.status AS "messageStatus",
  m.sent_at AS "sentAt", v.expires_at AS "expiresAt", v.expires_at <= now() AS "isExpired"`;

export const invitationRows = sql`invitations i
  JOIN accounts a ON a.id = i.account_id
  LEFT JOIN messages m ON m.id = i.message_id
  LEFT JOIN verifications v ON v.message_id = i.message_id`;

/** The invitation of a user; undefined where there is no such user, or one who came without. */
export const findInvitation = async (
  db: Database,
  organizationId: string,
  accountId: string,
): Promise<InvitationDetails | undefined> => {
  const { rows } = await sql<InvitationDetails>`
    SELECT ${invitationFacts} FROM ${invitationRows}
     WHERE i.account_id = ${accountId} AND a.organization_id = ${organizationId}`.execute(db);
  return rows[0];
};

/** What is done to the invitation of whom, and by whom. */
export interface InvitationChange {
  readonly organizationId: string;
  readonly accountId: string;
  readonly by: string;
}

/** Why an invitation is not changed. `inactive`: its user may not sign in. */
export type NoInvitation = 'unknown' | 'accepted' | 'inactive';

/** Whether a user waits for an invitation, with its row locked. */
const lockInvited = async (
  tx: Database,
  { organizationId, accountId }: InvitationChange,
): Promise<NoInvitation | 'waiting'> => {
  const row = await tx
    .selectFrom('accounts')
    .select(['status', 'verified_at'])
    .where('id', '=', accountId)
    .where('organization_id', '=', organizationId)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return 'unknown';
  if (row.status === 'pending') return 'waiting';
  return row.status === 'suspended' && row.verified_at === null ? 'inactive' : 'accepted';
};

/** The invitation of an account, or another one; a withdrawn one comes to life. */
export const writeInvitation = async (
  tx: Database,
  invitation: { readonly accountId: string; readonly messageId: string; readonly by: string },
): Promise<void> => {
  await sql`
    INSERT INTO invitations AS i (account_id, message_id, invited_by)
    VALUES (${invitation.accountId}, ${invitation.messageId}, ${invitation.by})
    ON CONFLICT (account_id) DO UPDATE
       SET message_id = excluded.message_id, invited_by = excluded.invited_by, asked_at = now(),
           generation = i.generation + 1, revoked_at = NULL`.execute(tx);
};

/** Locks the newest message of an invitation, before its account; undefined when it was forgotten, or nobody was invited. */
const lockMessageOf = async (tx: Database, accountId: string): Promise<string | undefined> => {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM messages
     WHERE id = (SELECT message_id FROM invitations WHERE account_id = ${accountId}) FOR UPDATE`.execute(tx);
  return rows[0]?.id;
};

/** Asks for another invitation; from the commit on it owns the only live token. A withdrawn one comes to life with it. */
export const renewInvitation = async (
  db: Database,
  change: InvitationChange,
  message: MessageRequest,
): Promise<NoInvitation | 'renewed' | ChargeForgotten> =>
  chargedTransaction(db, message.limitMemory, async (tx) => {
    const state = await lockInvited(tx, change);
    if (state !== 'waiting') return state;
    const { accountId, by } = change;
    await writeInvitation(tx, { accountId, messageId: message.id, by });
    await acceptMessages(tx, [message]);
    await tell(tx, accountId, 'INVITATION_RENEWED', { messageId: message.id, by });
    return 'renewed';
  });

/** Withdraws an invitation: its tokens are dead and what waits is not sent. The user stays. Repeating changes nothing. */
export const revokeInvitation = async (
  db: Database,
  change: InvitationChange & { readonly emailKey: Uint8Array },
): Promise<NoInvitation | 'revoked' | 'not_invited'> =>
  db.transaction().execute(async (tx) => {
    const subjectKeys = subjectKeysOf([change.emailKey], ['invitation']);
    // Locked before the account, as workers do; given back when there turns out to be nothing to withdraw.
    await sql`SELECT FROM messages WHERE subject_key = ANY (${subjectKeys}::bytea[]) ORDER BY id FOR UPDATE`.execute(
      tx,
    );
    const state = await lockInvited(tx, change);
    if (state === 'unknown' || state === 'accepted') return state;
    const { numUpdatedRows } = await tx
      .updateTable('invitations')
      .set({ revoked_at: sql<Date>`now()` })
      .where('account_id', '=', change.accountId)
      .where('revoked_at', 'is', null)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) return (await isInvited(tx, change.accountId)) ? 'revoked' : 'not_invited';
    await cancelMessages(tx, subjectKeys, 'revoked');
    await sql`
      UPDATE verifications v SET revoked_at = now()
        FROM messages m
       WHERE v.message_id = m.id AND m.subject_key = ANY (${subjectKeys}::bytea[])
         AND v.account_id = ${change.accountId} AND v.revoked_at IS NULL`.execute(tx);
    await tell(tx, change.accountId, 'INVITATION_REVOKED', { by: change.by });
    return 'revoked';
  });

const isInvited = async (tx: Database, accountId: string): Promise<boolean> =>
  (await tx
    .selectFrom('invitations')
    .select('account_id')
    .where('account_id', '=', accountId)
    .executeTakeFirst()) !== undefined;

export type ExtendOutcome =
  | { readonly kind: 'extended'; readonly expiresAt: Date }
  | {
      readonly kind:
        | NoInvitation
        | 'not_invited'
        | 'revoked'
        /** No token was made yet: its lifetime begins when it is handed over. */
        | 'not_sent'
        /** The wanted end is past, or further away than an invitation may last. */
        | 'out_of_range';
    };

/**
 * Gives the newest token of an invitation another end, without another mail; an expired one works again.
 * `until` null: its whole lifetime from now on.
 */
export const extendInvitation = async (
  db: Database,
  change: InvitationChange,
  until: { readonly expiresAt: Date } | { readonly seconds: number },
): Promise<ExtendOutcome> =>
  db.transaction().execute(async (tx): Promise<ExtendOutcome> => {
    const lockedId = await lockMessageOf(tx, change.accountId);
    const state = await lockInvited(tx, change);
    if (state !== 'waiting') return { kind: state };
    const invitation = await tx
      .selectFrom('invitations')
      .select(['message_id', 'revoked_at'])
      .where('account_id', '=', change.accountId)
      .executeTakeFirst();
    if (invitation === undefined) return { kind: 'not_invited' };
    if (invitation.revoked_at !== null) return { kind: 'revoked' };
    // Another one was asked for this very moment: it has no token yet.
    if (invitation.message_id !== lockedId) return { kind: 'not_sent' };
    const end =
      'expiresAt' in until
        ? sql<Date>`${until.expiresAt}::timestamptz`
        : sql<Date>`now() + make_interval(secs => ${until.seconds})`;
    const { rows } = await sql<{ expires_at: Date | null; in_range: boolean }>`
      WITH wanted AS (
        SELECT ${end} AS ends_at,
               ${end} > now() AND ${end} <= now() + make_interval(secs => ${extensionSecondsMax}) AS in_range),
      extended AS (
        UPDATE verifications v
           SET expires_at = wanted.ends_at,
               -- What is not recorded as handed over yet begins its lifetime then.
               ttl_seconds = greatest(1, ceil(extract(epoch FROM wanted.ends_at - now())))::int
          FROM wanted
         WHERE v.message_id = ${invitation.message_id} AND v.consumed_at IS NULL AND wanted.in_range
        RETURNING v.expires_at)
      SELECT (SELECT expires_at FROM extended) AS expires_at, in_range FROM wanted`.execute(tx);
    const row = rows[0];
    if (row?.in_range !== true) return { kind: 'out_of_range' };
    if (row.expires_at === null) return { kind: 'not_sent' };
    await tell(tx, change.accountId, 'INVITATION_EXTENDED', {
      expiresAt: row.expires_at.toISOString(),
      by: change.by,
    });
    return { kind: 'extended', expiresAt: row.expires_at };
  });
