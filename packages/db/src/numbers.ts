import { type RawBuilder, sql } from 'kysely';
import { unconfirmedAfterSeconds } from '@reconfirm/core/delivery-state';
import type { MessageCounts, NumberDimension } from '@reconfirm/core/numbers';
import type { Database } from './database.ts';

export interface NumbersFilter {
  /** By when they were accepted; the end is not included. */
  readonly from: Date;
  readonly to: Date;
  readonly by: readonly NumberDimension[];
  /** Of one organization; of all unless given. */
  readonly organizationId?: string;
  /** Providers that report deliveries, by channel. */
  readonly reporting: { readonly email: readonly string[]; readonly sms: readonly string[] };
  /** Languages that are counted by name; others are `other`. */
  readonly locales: readonly string[];
  /** Groups at most, the largest first. */
  readonly limit: number;
}

export interface MessageNumbers extends MessageCounts {
  /** What the group is of, for each of `by`. An hour is its beginning in UTC, as ISO 8601. */
  readonly group: Readonly<Partial<Record<NumberDimension, string>>>;
}

/** The language asked for as one of ours, or as what it is a variant of; the label of a metric has to be of a list. */
const localeOf = (locales: readonly string[]): RawBuilder<string> => sql`
  CASE WHEN m.locale IS NULL THEN 'none' ELSE coalesce(
    (SELECT l FROM unnest(${[...locales]}::text[]) l WHERE l = m.locale),
    (SELECT l FROM unnest(${[...locales]}::text[]) l WHERE l = split_part(m.locale, '-', 1)),
    'other') END`;

const expressions = (filter: NumbersFilter): Readonly<Record<NumberDimension, RawBuilder<string>>> => ({
  provider: sql`coalesce(m.provider, 'none')`,
  domain: sql`CASE m.channel WHEN 'sms' THEN 'sms' ELSE coalesce(m.recipient_domain, 'none') END`,
  purpose: sql`m.purpose`,
  locale: localeOf(filter.locales),
  hour: sql`to_char(date_trunc('hour', m.accepted_at AT TIME ZONE 'UTC'), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`,
});

interface CountsRow extends Readonly<Record<keyof MessageCounts, number>> {
  readonly keys: readonly string[];
}

/**
 * What the settled messages of a span came to, in one statement over the index of settled messages. Tests of an
 * operator are not counted. Rows that retention has deleted are gone from here too.
 */
export const countMessages = async (
  db: Database,
  filter: NumbersFilter,
): Promise<readonly MessageNumbers[]> => {
  const of = expressions(filter);
  const keys = filter.by.map((name) => of[name]);
  const { email, sms } = filter.reporting;
  const { rows } = await sql<CountsRow>`
    WITH message AS (
      SELECT ARRAY[${sql.join(keys, sql`, `)}]::text[] AS keys, m.status, m.sent_at,
             m.sent_at IS NOT NULL OR m.status IN ('bounced', 'undelivered') AS attempted,
             m.provider = ANY (CASE m.channel WHEN 'sms' THEN ${[...sms]}::text[] ELSE ${[...email]}::text[] END) IS TRUE AS reports,
             v.message_id IS NOT NULL AND m.sent_at IS NOT NULL AS provable, v.consumed_at
        FROM messages m LEFT JOIN verifications v ON v.message_id = m.id
       WHERE m.settled_at IS NOT NULL AND m.accepted_at >= ${filter.from} AND m.accepted_at < ${filter.to}
         AND m.purpose NOT IN ('test', 'test_sms')
         ${filter.organizationId === undefined ? sql`` : sql`AND m.organization_id = ${filter.organizationId}`})
    SELECT keys, count(*)::int AS settled,
           count(*) FILTER (WHERE status = 'skipped')::int AS "notSent",
           count(*) FILTER (WHERE status = 'gave_up')::int AS "gaveUp",
           count(*) FILTER (WHERE attempted)::int AS attempted,
           count(sent_at)::int AS sent,
           -- Nobody complains about a mail that did not arrive.
           count(*) FILTER (WHERE status IN ('delivered', 'complained'))::int AS delivered,
           count(*) FILTER (WHERE status IN ('bounced', 'undelivered'))::int AS bounced,
           count(*) FILTER (WHERE status = 'complained')::int AS complained,
           count(*) FILTER (WHERE status = 'sent' AND reports
             AND sent_at < now() - make_interval(secs => ${unconfirmedAfterSeconds}))::int AS unconfirmed,
           count(*) FILTER (WHERE attempted AND reports)::int AS reporting,
           count(*) FILTER (WHERE status IN ('delivered', 'complained') AND attempted AND reports)::int AS "reportedDelivered",
           count(*) FILTER (WHERE provable)::int AS provable,
           count(*) FILTER (WHERE provable AND consumed_at IS NOT NULL)::int AS verified
      FROM message GROUP BY keys ORDER BY settled DESC, keys LIMIT ${filter.limit}`.execute(db);
  return rows.map(({ keys: values, ...counts }) => ({
    ...counts,
    group: Object.fromEntries(filter.by.map((name, index) => [name, values[index] ?? ''])),
  }));
};
