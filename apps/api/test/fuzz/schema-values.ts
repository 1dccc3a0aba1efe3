import fc from 'fast-check';

export type Schema = Readonly<Record<string, unknown>>;

/** Values that a field of this name can really have, so that requests get past the first check. */
export type Known = (name: string) => readonly string[];

/** What no schema asks for: wrong types, controls, halves of characters, prototypes, what is huge or deep. */
export const junk: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\udc00x',
  '\u202e\u200b',
  'é😀ｅ',
  '\r\nBcc: victim@example.org',
  "' OR 1=1 --",
  '{{ link }}${x}%s',
  '<script>alert(1)</script>',
  '__proto__',
  '../../etc/passwd',
  'x'.repeat(300),
  '9'.repeat(400),
  'é'.repeat(9000),
  [],
  {},
  [[]],
  ['a@example.org'],
  { $ne: '' },
  { toString: 1, length: -1 },
];

const text = (schema: Schema): fc.Arbitrary<string> => {
  const minLength = Number(schema['minLength'] ?? 0);
  const maxLength = Math.min(Number(schema['maxLength'] ?? 40), minLength + 60);
  const any = fc.string({ unit: 'grapheme', minLength, maxLength });
  if (schema['format'] === 'uuid') return fc.uuid();
  if (schema['format'] === 'date-time')
    return fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
      .map((d) => d.toISOString());
  if (typeof schema['pattern'] === 'string') return fc.stringMatching(new RegExp(schema['pattern']));
  return any;
};

const listOf = (value: unknown): readonly Schema[] => (Array.isArray(value) ? (value as Schema[]) : []);

/** Values of a JSON schema, with those that a field of this name is known to have among them. */
export const valuesOf = (schema: Schema, known: Known, name = ''): fc.Arbitrary<unknown> => {
  if (schema['const'] !== undefined) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  const choices = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])];
  if (choices.length > 0) return fc.oneof(...choices.map((choice) => valuesOf(choice, known, name)));
  const parts = listOf(schema['allOf']);
  if (parts.length > 0)
    return fc
      .tuple(...parts.map((part) => valuesOf(part, known, name)))
      .map((all) => Object.assign({}, ...all) as unknown);
  const range = { min: Number(schema['minimum'] ?? 0), max: Number(schema['maximum'] ?? 1e6) };
  switch (schema['type']) {
    case 'string': {
      const values = known(name);
      return values.length === 0 || schema['format'] === 'date-time'
        ? text(schema)
        : fc.oneof(
            { weight: 4, arbitrary: fc.constantFrom(...values) },
            { weight: 1, arbitrary: text(schema) },
          );
    }
    case 'integer':
      return fc.integer(range);
    case 'number':
      return fc.oneof(fc.integer(range), fc.double({ ...range, noNaN: true }));
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(valuesOf((schema['items'] ?? {}) as Schema, known, name), {
        minLength: Number(schema['minItems'] ?? 0),
        maxLength: Math.min(Number(schema['maxItems'] ?? 4), 4),
      });
    case 'object':
      return objectsOf(schema, known);
    default:
      return fc.constantFrom(...junk);
  }
};

const objectsOf = (schema: Schema, known: Known): fc.Arbitrary<unknown> => {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Schema>);
  const required = (schema['required'] ?? []) as string[];
  return fc.record(Object.fromEntries(properties.map(([name, of]) => [name, valuesOf(of, known, name)])), {
    requiredKeys: required,
    noNullPrototype: true,
  });
};
