import type { OrganizationValues } from '@reconfirm/core/config/organization-settings';
import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { OrganizationsTable } from './schema.ts';
import type { Selectable } from 'kysely';

export interface Organization {
  readonly id: string;
  readonly slug: string | null;
  readonly name: string;
  readonly settings: OrganizationValues;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewOrganization {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly settings: OrganizationValues;
}

const toOrganization = (row: Selectable<OrganizationsTable>): Organization => ({
  id: row.id,
  slug: row.slug,
  name: row.name,
  settings: row.settings,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

/** Null when the slug is taken: then nothing was written. */
export const createOrganization = async (
  db: Database,
  organization: NewOrganization,
): Promise<Organization | null> => {
  const row = await db
    .insertInto('organizations')
    .values({ ...organization, settings: JSON.stringify(organization.settings) })
    .onConflict((conflict) => conflict.column('slug').doNothing())
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? null : toOrganization(row);
};

export const listOrganizations = async (db: Database): Promise<readonly Organization[]> => {
  const rows = await db.selectFrom('organizations').selectAll().orderBy('id').execute();
  return rows.map(toOrganization);
};

export const findOrganization = async (db: Database, id: string): Promise<Organization | undefined> => {
  const row = await db.selectFrom('organizations').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toOrganization(row);
};

/** Replaces name and settings; undefined for an unknown organization. Every process notices within seconds. */
export const updateOrganization = async (
  db: Database,
  id: string,
  change: { readonly name: string; readonly settings: OrganizationValues },
): Promise<Organization | undefined> => {
  const row = await db
    .updateTable('organizations')
    .set({ name: change.name, settings: JSON.stringify(change.settings), updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toOrganization(row);
};

/**
 * Organizations that were changed at an instant or after it, by the database's clock, and the instant up to
 * which that is certain: a transaction may commit a moment after the time that its row says.
 */
export const organizationsChangedSince = async (
  db: Database,
  since: Date,
): Promise<{ readonly organizations: readonly Organization[]; readonly until: Date }> => {
  const { rows } = await sql<Selectable<OrganizationsTable> & { until: Date }>`
    SELECT until.at AS until, o.*
      FROM (SELECT now() - interval '10 seconds' AS at) until
      LEFT JOIN organizations o ON o.updated_at >= ${since}`.execute(db);
  return {
    organizations: rows.filter((row) => row.id !== null).map(toOrganization),
    until: rows[0]?.until ?? since,
  };
};
