import type { ListedInvitationState } from '@reconfirm/core/invitation';
import { sql } from 'kysely';
import type { Database } from './database.ts';
import { type InvitationDetails, invitationFacts, invitationRows, isAccepted } from './invitations.ts';

export interface InvitationPage {
  /** Id of the last user of the page before; null for the first page. */
  readonly afterId: string | null;
  readonly limit: number;
  /** Only those that stand so; empty: all. */
  readonly states: readonly ListedInvitationState[];
}

/** The rule of `listedInvitationState` in packages/core/src/invitation.ts; a test holds them together. */
const state = sql`CASE
  WHEN ${isAccepted} THEN 'ACCEPTED'
  WHEN i.revoked_at IS NOT NULL THEN 'REVOKED'
  WHEN m.id IS NULL THEN 'EXPIRED'
  WHEN m.status IN ('bounced', 'undelivered', 'gave_up') THEN 'BOUNCED'
  WHEN v.expires_at <= now() AND m.rank >= 40 THEN 'EXPIRED'
  WHEN m.status IN ('delivered', 'complained') THEN 'DELIVERED'
  ELSE 'PENDING' END`;

/** Invitations of an organization in the order in which their users came, a page at a time. */
export const listInvitations = async (
  db: Database,
  organizationId: string,
  { afterId, limit, states }: InvitationPage,
): Promise<readonly InvitationDetails[]> => {
  const { rows } = await sql<InvitationDetails>`
    SELECT ${invitationFacts} FROM ${invitationRows}
     WHERE a.organization_id = ${organizationId}
       ${afterId === null ? sql`` : sql`AND a.id > ${afterId}::uuid`}
       ${states.length === 0 ? sql`` : sql`AND ${state} = ANY (${[...states]}::text[])`}
     ORDER BY a.id LIMIT ${limit}`.execute(db);
  return rows;
};
