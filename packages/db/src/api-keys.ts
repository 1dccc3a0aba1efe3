import { sql } from 'kysely';
import { knownScopes, type Scope } from '@reconfirm/core/scopes';
import type { Database } from './database.ts';
import type { ApiKeysTable } from './schema.ts';
import type { Selectable } from 'kysely';

/** A key of an organization as its operator sees it; the key itself is shown once and not kept. */
export interface OrganizationKey {
  readonly id: string;
  readonly organizationId: string;
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  /** The end of the key, by which its owner tells it from others. */
  readonly lastFour: string | null;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

export interface NewOrganizationKey {
  readonly id: string;
  readonly organizationId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly secretHash: Uint8Array;
  readonly lastFour: string;
}

type KeyRow = Selectable<ApiKeysTable>;

const keyOf = (row: KeyRow): OrganizationKey => ({
  id: row.id,
  organizationId: row.organization_id ?? '',
  name: row.name,
  scopes: knownScopes(row.scopes),
  lastFour: row.last_four,
  createdAt: row.created_at,
  revokedAt: row.revoked_at,
});

/** Creates a key of an organization; undefined when there is no such organization. */
export const createOrganizationKey = async (
  db: Database,
  key: NewOrganizationKey,
): Promise<OrganizationKey | undefined> => {
  const { rows } = await sql<KeyRow>`
    INSERT INTO api_keys (id, organization_id, name, scopes, secret_hash, last_four)
    SELECT ${key.id}::uuid, o.id, ${key.name}, ${[...key.scopes]}::text[], ${Buffer.from(key.secretHash)}::bytea,
           ${key.lastFour}
      FROM organizations o WHERE o.id = ${key.organizationId}
    RETURNING *`.execute(db);
  return rows[0] === undefined ? undefined : keyOf(rows[0]);
};

/** The most keys that are listed; an organization has a handful. */
const listedMax = 500;

/** The keys of an organization, revoked ones too, newest first. Keys of tenants are not among them. */
export const listOrganizationKeys = async (
  db: Database,
  organizationId: string,
): Promise<readonly OrganizationKey[]> => {
  const rows = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('account_id', 'is', null)
    .orderBy('id', 'desc')
    .limit(listedMax)
    .execute();
  return rows.map(keyOf);
};

/** Revokes a key of an organization at once and for good; undefined for an unknown one. Repeating changes nothing. */
export const revokeOrganizationKey = async (
  db: Database,
  id: string,
): Promise<OrganizationKey | undefined> => {
  const row = await db
    .updateTable('api_keys')
    .set({ revoked_at: sql`coalesce(revoked_at, now())` })
    .where('id', '=', id)
    .where('organization_id', 'is not', null)
    .where('account_id', 'is', null)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : keyOf(row);
};

/** The unrevoked key of an organization with this id and hash; the caller compares nothing but the hash. */
export const findOrganizationKey = async (
  db: Database,
  id: string,
  secretHash: Uint8Array,
): Promise<OrganizationKey | undefined> => {
  const row = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('id', '=', id)
    .where('secret_hash', '=', Buffer.from(secretHash))
    .where('organization_id', 'is not', null)
    .where('account_id', 'is', null)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row === undefined ? undefined : keyOf(row);
};
