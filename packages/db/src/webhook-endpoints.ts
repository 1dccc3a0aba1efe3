import { type Selectable, sql } from 'kysely';
import type { Database } from './database.ts';
import type { WebhookEndpointsTable } from './schema.ts';

export interface NewWebhookEndpoint {
  readonly id: string;
  readonly organizationId: string;
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly secretSealed: Uint8Array;
}

/** An endpoint as its operator sees it: no secret, sealed or not. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly active: boolean;
  readonly disabledReason: string | null;
  readonly previousSecretUntil: Date | null;
  readonly createdAt: Date;
}

const toEndpoint = (row: Selectable<WebhookEndpointsTable>): WebhookEndpoint => ({
  id: row.id,
  url: row.url,
  eventTypes: row.event_types,
  active: row.active,
  disabledReason: row.disabled_reason,
  previousSecretUntil: row.previous_secret_until,
  createdAt: row.created_at,
});

export const createWebhookEndpoint = async (
  db: Database,
  endpoint: NewWebhookEndpoint,
): Promise<WebhookEndpoint> => {
  const row = await db
    .insertInto('webhook_endpoints')
    .values({
      id: endpoint.id,
      organization_id: endpoint.organizationId,
      url: endpoint.url,
      event_types: [...endpoint.eventTypes],
      secret_sealed: Buffer.from(endpoint.secretSealed),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return toEndpoint(row);
};

/** Oldest first. An installation has a handful. */
export const listWebhookEndpoints = async (
  db: Database,
  organizationId: string,
): Promise<readonly WebhookEndpoint[]> => {
  const rows = await db
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .orderBy('id')
    .execute();
  return rows.map(toEndpoint);
};

export const findWebhookEndpoint = async (
  db: Database,
  organizationId: string,
  id: string,
): Promise<WebhookEndpoint | undefined> => {
  const row = await db
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : toEndpoint(row);
};

export interface WebhookEndpointChanges {
  readonly url?: string | undefined;
  readonly eventTypes?: readonly string[] | undefined;
  readonly active?: boolean | undefined;
}

/** Changes what is given; switching on forgets why it was off. Undefined when there is no such endpoint. */
export const changeWebhookEndpoint = async (
  db: Database,
  organizationId: string,
  id: string,
  changes: WebhookEndpointChanges,
): Promise<WebhookEndpoint | undefined> => {
  const row = await db
    .updateTable('webhook_endpoints')
    .set({
      ...(changes.url === undefined ? {} : { url: changes.url }),
      ...(changes.eventTypes === undefined ? {} : { event_types: [...changes.eventTypes] }),
      ...(changes.active === undefined
        ? {}
        : { active: changes.active, disabled_reason: changes.active ? null : 'switched_off' }),
      updated_at: sql`now()`,
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toEndpoint(row);
};

/** Puts a new secret in; the one before signs too for `overlapSeconds`. An older one is dropped at once. */
export const rotateWebhookSecret = async (
  db: Database,
  organizationId: string,
  id: string,
  secret: { readonly sealed: Uint8Array; readonly overlapSeconds: number },
): Promise<WebhookEndpoint | undefined> => {
  const row = await db
    .updateTable('webhook_endpoints')
    .set({
      previous_secret_sealed: sql`secret_sealed`,
      previous_secret_until: sql`now() + make_interval(secs => ${secret.overlapSeconds})`,
      secret_sealed: Buffer.from(secret.sealed),
      updated_at: sql`now()`,
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toEndpoint(row);
};

/** Deletes an endpoint with its deliveries; false when there is none. The events stay in the feed. */
export const deleteWebhookEndpoint = async (
  db: Database,
  organizationId: string,
  id: string,
): Promise<boolean> => {
  const { numDeletedRows } = await db
    .deleteFrom('webhook_endpoints')
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
  return numDeletedRows === 1n;
};

export interface SealedSecrets {
  readonly id: string;
  readonly sealed: Buffer;
  readonly previousSealed: Buffer | null;
}

/** Endpoints whose secrets a key other than the newest one opens, some at a time; for sealing them anew. */
export const listSecretsOfOlderKeys = async (
  db: Database,
  newestVersion: number,
): Promise<readonly SealedSecrets[]> => {
  const version = Buffer.alloc(4);
  version.writeUInt32BE(newestVersion);
  const { rows } = await sql<SealedSecrets>`
    SELECT id, secret_sealed AS sealed, previous_secret_sealed AS "previousSealed" FROM webhook_endpoints
     WHERE substring(secret_sealed FOR 4) <> ${version}::bytea
        OR substring(previous_secret_sealed FOR 4) <> ${version}::bytea
     LIMIT 100`.execute(db);
  return rows;
};

/** Replaces sealed secrets by the same ones under another key, unless they were rotated meanwhile. */
export const replaceSealedSecrets = async (
  db: Database,
  before: SealedSecrets,
  after: Pick<SealedSecrets, 'sealed' | 'previousSealed'>,
): Promise<void> => {
  await db
    .updateTable('webhook_endpoints')
    .set({ secret_sealed: after.sealed, previous_secret_sealed: after.previousSealed })
    .where('id', '=', before.id)
    .where('secret_sealed', '=', before.sealed)
    .execute();
};

/** Forgets secrets whose overlap is over. */
export const forgetPreviousSecrets = async (db: Database): Promise<void> => {
  await db
    .updateTable('webhook_endpoints')
    .set({ previous_secret_sealed: null, previous_secret_until: null })
    .where('previous_secret_until', '<', sql<Date>`now()`)
    .execute();
};
