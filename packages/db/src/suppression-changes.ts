import { complaintsUntilOperator } from '@reconfirm/core/suppression';
import { type RawBuilder, sql } from 'kysely';

/** Whether the row `s` of suppressions keeps messages from being sent: the same as isInForce in the core. */
export const isInForce = sql`(s.lifted_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now()))`;

/**
 * Whether the claimed message `c` is not to be sent (`passesSuppression` in the core): one look-up by the key
 * of its address. Only a message that was let through by a captcha costs another, of what its subject got today.
 * A value and no EXISTS, which the planner may answer by reading the whole table into a hash.
 */
export const isKeptBack = sql`
  coalesce((SELECT NOT (
      s.reason = 'complaint' AND c.passed_captcha AND s.complaints < ${sql.lit(complaintsUntilOperator)}
      AND NOT EXISTS (SELECT FROM messages earlier
        WHERE earlier.subject_key = c.subject_key AND earlier.seq < c.seq AND earlier.sent_at > now() - interval '1 day'
          AND earlier.sent_at > s.suppressed_at))
    FROM suppressions s WHERE s.address_key = c.address_key AND ${isInForce}), false)`;

/** The account whose address the row `c` is about; by an index, whichever of the two it is. */
export const accountOfAddress = sql`
  (SELECT a.id FROM accounts a
    WHERE c.channel = 'email' AND a.organization_id = c.organization_id AND a.email_key = c.address_key
   UNION ALL
   SELECT a.id FROM accounts a
    WHERE c.channel = 'sms' AND a.organization_id = c.organization_id AND a.phone_key = c.address_key)`;

interface Changes {
  /** Rows of suppressions as they are now; called `c` in what follows. */
  readonly changed: RawBuilder<unknown>;
  readonly change: 'suppressed' | 'lifted';
  readonly by: 'report' | 'hand_over' | 'operator' | 'proof';
  readonly messageId?: RawBuilder<unknown>;
  readonly operator?: { readonly who: string; readonly why: string };
}

/**
 * Two parts for the WITH of a statement that changes suppressions: an auditor's row of each change, and an
 * event of the account whose address it is. What had ended by itself is lifted without telling anybody.
 */
export const noteChanges = ({ changed, change, by, messageId, operator }: Changes): RawBuilder<unknown> => {
  const message = messageId ?? sql`NULL::uuid`;
  const type = change === 'suppressed' ? 'CONTACT_SUPPRESSED' : 'CONTACT_SUPPRESSION_LIFTED';
  return sql`
    noted AS (
      INSERT INTO suppression_changes (suppression_id, change, by, reason, expires_at, message_id, who, why)
      SELECT c.id, ${change}::text, ${by}::text, c.reason, c.expires_at, ${message},
             ${operator?.who ?? null}::text, ${operator?.why ?? null}::text
        FROM ${changed} c),
    told AS (
      INSERT INTO account_events (account_id, type, detail)
      SELECT a.id, ${type}::text, jsonb_strip_nulls(jsonb_build_object(
               'channel', c.channel, 'reason', c.reason, 'until', c.expires_at, 'by', ${by}::text, 'messageId', ${message}))
        FROM ${changed} c CROSS JOIN LATERAL ${accountOfAddress} a
       WHERE ${change}::text = 'suppressed' OR c.expires_at IS NULL OR c.expires_at > now())`;
};
