import { type KyselyPlugin, type RawNode, type RootOperationNode, sql } from 'kysely';
import type { Database } from '../../src/database.ts';

const isRaw = (node: RootOperationNode): node is RawNode => node.kind === 'RawNode';

/**
 * The plan of the one statement that `run` executes, as the planner makes it for these values.
 * Nothing is executed. `change` may rewrite the text of a raw statement first, to see what another one would do.
 */
export const explain = async (
  db: Database,
  run: (db: Database) => Promise<unknown>,
  change: (text: string) => string = (text) => text,
): Promise<string> => {
  const lines: string[] = [];
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      if (node.kind === 'SelectQueryNode') return { ...node, explain: { kind: 'ExplainNode' } };
      if (!isRaw(node)) throw new Error(`a ${node.kind} cannot be explained`);
      const [first = '', ...rest] = node.sqlFragments;
      return { ...node, sqlFragments: [`EXPLAIN ${change(first)}`, ...rest.map(change)] };
    },
    transformResult: async ({ result }) => {
      // A line repeats the values it was planned for; its beginning says all that matters.
      lines.push(...result.rows.map((row) => String(row['QUERY PLAN']).slice(0, 250)));
      return { ...result, rows: [] };
    },
  };
  await run(db.withPlugin(plugin));
  return lines.join('\n');
};

/** Fills the table with messages of the past, each of an address of its own. `due` of them are not settled. */
export const insertManyMessages = async (db: Database, settled: number, due: number): Promise<void> => {
  await sql`
    INSERT INTO messages (id, organization_id, subject_key, address_key, limit_key, ip_key, purpose, channel,
                          contract, status, settled_at, accepted_at, next_at)
    SELECT gen_random_uuid(), o.id, k.hash, k.hash, k.hash, k.hash, 'signup', 'email', 'v1',
           CASE WHEN n <= ${settled} THEN 'delivered' ELSE 'queued' END,
           CASE WHEN n <= ${settled} THEN now() END, now() - interval '1 hour', now() - interval '1 hour'
      FROM organizations o, generate_series(1, ${settled + due}) n,
           LATERAL (SELECT sha256(convert_to(gen_random_uuid()::text || n, 'UTF8')) AS hash) k`.execute(db);
};
