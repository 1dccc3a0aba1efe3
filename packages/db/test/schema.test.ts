import { readFile } from 'node:fs/promises';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openTestDatabase } from './support/database.ts';

const db = await openTestDatabase();
const source = await readFile(new URL('../src/schema.ts', import.meta.url), 'utf8');

interface Column {
  readonly name: string;
  /** What a statement reads: the TypeScript type without null. */
  readonly type: string;
  readonly nullable: boolean;
  /** Whether an INSERT may leave it out although it is never null. */
  readonly generated: boolean;
}

const typesOfInterfaces: Readonly<Record<string, string>> = {
  Date: 'timestamp with time zone',
  Buffer: 'bytea',
  Json: 'jsonb',
  NullableJson: 'jsonb',
  boolean: 'boolean',
  'string[]': 'ARRAY',
  Sequence: 'bigint',
  Priority: 'smallint',
};

const bodyOf = (interfaceName: string): string =>
  new RegExp(`interface ${interfaceName} \\{\\n([^}]*)\\}`).exec(source)?.[1] ?? '';

const propertiesOf = (interfaceName: string): readonly (readonly [name: string, type: string])[] =>
  [...bodyOf(interfaceName).matchAll(/^ {2}(\w+): (.+);$/gm)].map(([, name = '', type = '']) => [name, type]);

const readColumn = (name: string, text: string): Column => {
  const nullable = text.endsWith(' | null') || text === 'NullableJson';
  const bare = text.replace(/ \| null$/, '');
  const wrapped = /^Generated(?:Always)?<(.+)>$/.exec(bare)?.[1];
  const type = wrapped ?? bare;
  return { name, type, nullable, generated: wrapped !== undefined || type === 'Sequence' || type === 'Json' };
};

/** Names of unions (`AccountStatus`) and `string` are both text; ids and sequences are strings too. */
const mayHold = (type: string, dataType: string): boolean => {
  const exact = typesOfInterfaces[type];
  if (exact !== undefined) return dataType === exact;
  if (type === 'number') return ['smallint', 'integer'].includes(dataType);
  return type === 'string' ? ['text', 'uuid', 'bigint'].includes(dataType) : dataType === 'text';
};

interface InformationRow {
  readonly table_name: string;
  readonly column_name: string;
  readonly data_type: string;
  readonly is_nullable: 'YES' | 'NO';
  readonly generated: boolean;
}

test('the schema in TypeScript agrees with every column of the database in name, type, null and default', async () => {
  const { rows } = await sql<InformationRow>`
    SELECT table_name, column_name, data_type, is_nullable,
           (column_default IS NOT NULL OR is_identity = 'YES' OR is_generated = 'ALWAYS') AS generated
      FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name NOT LIKE 'kysely_%'`.execute(db);
  const described = propertiesOf('Schema').flatMap(([table, interfaceName]) =>
    propertiesOf(interfaceName).map(([name, text]) => ({ table, ...readColumn(name, text) })),
  );
  const inCode = described.map(
    (c) => `${c.table}.${c.name} ${c.nullable ? 'null' : 'not null'}${c.generated ? ' generated' : ''}`,
  );
  const inDatabase = rows.map(
    (r) =>
      `${r.table_name}.${r.column_name} ${r.is_nullable === 'YES' ? 'null' : 'not null'}${r.generated ? ' generated' : ''}`,
  );
  expect(inCode.toSorted()).toEqual(inDatabase.toSorted());

  const dataTypes = new Map(rows.map((r) => [`${r.table_name}.${r.column_name}`, r.data_type]));
  const mismatched = described.filter((c) => !mayHold(c.type, dataTypes.get(`${c.table}.${c.name}`) ?? ''));
  expect(mismatched).toEqual([]);
});
