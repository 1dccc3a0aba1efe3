import type { ChangeSide } from '@reconfirm/core/contact-change';
import type { Channel } from '@reconfirm/core/destination';
import { derivedHash } from '@reconfirm/core/keyed-hash';
import { sql, type Selectable } from 'kysely';
import { acceptMessages, type MessageRequest } from './accept-messages.ts';
import type { Database } from './database.ts';
import type { ContactChangesTable, MessageRow } from './schema.ts';

/** A request for the messages of a change, asked for by address: which change is meant is found out now. */
export interface ChangeResend {
  readonly messageId: string;
  /** The fence of the worker that holds the request. */
  readonly attempt: number;
  readonly accountId: string;
  readonly channel: Channel;
  /** Ids for the messages that the request becomes, one a side at most. */
  readonly newIds: Readonly<Record<ChangeSide, string>>;
}

/**
 * `resent` names the messages that took the request's place; `lost`: another worker has it.
 * `no_pending_change`: the account moves nowhere, or nobody's word is wanted any more.
 */
export type ChangeResendOutcome =
  | { readonly kind: 'resent'; readonly messageIds: readonly string[] }
  | { readonly kind: 'no_pending_change' }
  | { readonly kind: 'lost' };

/**
 * Settles a request and asks, for each side of the account's pending change that has not confirmed yet, for
 * a new message, in one transaction: doing it again does nothing. The new messages end the older tokens of
 * their side like every newer message does.
 */
export const resendPendingChange = async (db: Database, resend: ChangeResend): Promise<ChangeResendOutcome> =>
  db.transaction().execute(async (tx) => {
    const request = await tx
      .selectFrom('messages')
      .selectAll()
      .where('id', '=', resend.messageId)
      .where('attempt', '=', resend.attempt)
      .where('lease_until', 'is not', null)
      .forUpdate()
      .executeTakeFirst();
    if (request === undefined) return { kind: 'lost' };
    const change = await tx
      .selectFrom('contact_changes')
      .selectAll()
      .where('account_id', '=', resend.accountId)
      .where('channel', '=', resend.channel)
      .where('completed_at', 'is', null)
      .where('cancelled_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .executeTakeFirst();
    const messages = change === undefined ? [] : messagesFor(request, change, resend);
    if (messages.length > 0) await acceptMessages(tx, messages);
    await tx
      .updateTable('messages')
      .set({
        status: 'skipped',
        reason: messages.length > 0 ? 'change_resent' : 'no_pending_change',
        account_id: resend.accountId,
        lease_until: null,
        settled_at: sql<Date>`now()`,
      })
      .where('id', '=', request.id)
      .execute();
    return messages.length > 0
      ? { kind: 'resent', messageIds: messages.map(({ id }) => id) }
      : { kind: 'no_pending_change' };
  });

const messagesFor = (
  request: MessageRow,
  change: Selectable<ContactChangesTable>,
  { accountId, newIds }: ChangeResend,
): readonly MessageRequest[] => {
  const sides: readonly { readonly side: ChangeSide; readonly key: Buffer | null; readonly done: boolean }[] =
    [
      { side: 'new', key: change.new_key, done: change.new_confirmed_at !== null },
      {
        side: 'current',
        key: change.old_key,
        done: change.mode === 'new_only' || change.current_confirmed_at !== null,
      },
    ];
  return sides.flatMap(({ side, key, done }) =>
    done || key === null
      ? []
      : [
          {
            id: newIds[side],
            organizationId: request.organization_id,
            subjectKey: derivedHash(`subject:${request.purpose}:${side}`, Buffer.from(accountId)),
            addressKey: key,
            // The request has paid for them; they count against nobody again.
            limitKey: derivedHash(`limit:${request.purpose}:resent`, key),
            ipKey: derivedHash(`limit:${request.purpose}:resent`, key),
            purpose: request.purpose,
            channel: change.channel,
            contract: request.contract,
            locale: request.locale,
            redirectUrl: request.redirect_url,
            idempotency: null,
            context: request.context,
            change: { accountId, id: change.id, side },
          },
        ],
  );
};
