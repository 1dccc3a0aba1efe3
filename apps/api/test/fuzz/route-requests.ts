import fc from 'fast-check';
import type { Operation } from '../support/openapi.ts';
import { junk, type Known, type Schema, valuesOf } from './schema-values.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A route of a document, or one that no document has. */
export interface Route {
  readonly method: Method;
  /** With {parameters}. */
  readonly path: string;
  readonly operation: Operation | undefined;
}

export interface FuzzedRequest {
  readonly method: Method;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload?: Buffer;
  /** The path may lead elsewhere, or nowhere. */
  readonly isOddPath: boolean;
}

interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

const rarely = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 6): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });

/** Percent-encoded, whatever it holds: half of a character becomes U+FFFD. */
const encoded = (value: unknown): string =>
  encodeURIComponent((typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed());

const oddPaths = ['%', '%zz', '%00', '%ff', '%2e%2e', '%2f', '..%5c', 'x'.repeat(2000), '%e0%a4%a', ';a=b'];
const oddQueries = [
  '%',
  'a[]=1',
  '__proto__[x]=1',
  'constructor=1',
  '&&&',
  '=',
  'x=%00',
  'x=%ff%fe',
  '?',
  `x=${'y'.repeat(4000)}`,
  'email=a%40example.org&email=b%40example.org',
  'token=&token=',
  'limit=1e3&limit=-1',
];
const contentTypes = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'application/xml',
  'application/',
  'x',
  'application/json, text/html',
];
const oddHeaders: Readonly<Record<string, readonly string[]>> = {
  accept: ['text/html', 'application/json', '*/*;q=0', 'text/html;q=NaN', 'x'.repeat(3000)],
  'accept-language': ['ar', '*', 'es;q=1,'.repeat(300), '\u00ff'],
  origin: ['null', 'https://app.example.com', 'https://evil.example', 'file://'],
  cookie: ['access_token=x', '=;;=', `a=${'b'.repeat(3000)}`],
  'idempotency-key': ['', 'a', 'k'.repeat(600), '\u00ff'],
  'x-forwarded-for': ['1.2.3.4', 'x', ','.repeat(500)],
  'x-supabase-api-version': ['2024-01-01', '9999-99-99', 'x'],
  'x-api-key': ['x', 'rk_x_y'],
  'x-http-method-override': ['DELETE'],
  'content-encoding': ['gzip', 'x'],
  'if-none-match': ['*', '"x"'],
  range: ['bytes=0-0'],
};

/** Replaces values of a JSON text, by their places in the order of reading. */
const replaced = (body: unknown, changes: readonly (readonly [number, unknown])[]): unknown => {
  const at = new Map(changes);
  let place = -1;
  return JSON.parse(JSON.stringify(body), (_key, value: unknown) => {
    place += 1;
    return at.has(place) ? at.get(place) : value;
  }) as unknown;
};

/** Members that a parser could take for something else. */
const members = [
  '"__proto__":{"admin":true}',
  '"constructor":{"prototype":{"x":1}}',
  '"unknown":1',
  '"":""',
  '"email":"a@example.org","email":"b@example.org"',
  `"deep":${'['.repeat(3000)}${']'.repeat(3000)}`,
  '"number":1e999',
  '"\\ud800":"\\udfff"',
];

const withMember = (json: string, member: string): string =>
  json.startsWith('{') ? `{${member}${json === '{}' ? '' : ','}${json.slice(1)}` : json;

const bytesOf = (value: string): Buffer => Buffer.from(value);

/** A body near the schema, then spoiled: values, members, the text, the bytes. */
const bodies = (schema: Schema, known: Known): fc.Arbitrary<Buffer> => {
  const valid = valuesOf(schema, known);
  const near = fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(8), fc.constantFrom(...junk)), { minLength: 1, maxLength: 2 }))
    .map(([body, changes]) => JSON.stringify(replaced(body, changes)) ?? 'null');
  const json = valid.map((body) => JSON.stringify(body));
  return fc.oneof(
    { weight: 9, arbitrary: json.map(bytesOf) },
    { weight: 6, arbitrary: near.map(bytesOf) },
    {
      weight: 2,
      arbitrary: fc.tuple(json, fc.constantFrom(...members)).map(([a, b]) => bytesOf(withMember(a, b))),
    },
    // A body cut off within a character, two after each other, one behind a byte order mark.
    { weight: 1, arbitrary: fc.tuple(json, fc.nat(60)).map(([a, n]) => bytesOf(a).subarray(0, n)) },
    { weight: 1, arbitrary: json.map((a) => bytesOf(`\ufeff${a}${a}`)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((b) => Buffer.from(b)) },
    { weight: 1, arbitrary: fc.constantFrom(...junk).map((value) => bytesOf(JSON.stringify(value))) },
  );
};

/** Requests of one route, from right to hopeless. */
export const requestsOf = (
  { method, path, operation }: Route,
  known: Known,
  credentials: readonly Readonly<Record<string, string>>[],
): fc.Arbitrary<FuzzedRequest> => {
  const parameters = (operation?.['parameters'] ?? []) as readonly Parameter[];
  const valuesOfParameter = ({ schema, name }: Parameter): fc.Arbitrary<string> =>
    rarely(valuesOf(schema, known, name), fc.constantFrom(...junk)).map(encoded);

  const paths = fc
    .tuple(
      ...path.split('/').map((part) => {
        const name = /^\{(\w+)\}$/.exec(part)?.[1];
        if (name === undefined) return fc.constant({ part, isOdd: false });
        const of = parameters.find((p) => p.in === 'path' && p.name === name);
        const usual = of === undefined ? fc.uuid() : valuesOfParameter(of);
        const shaped = (isOdd: boolean) => (value: string) => ({
          part: value,
          // Empty, too long for the router, or with a slash in it.
          isOdd: isOdd || value === '' || value.length > 100 || /%2f|^\.+$/i.test(value),
        });
        return rarely(usual.map(shaped(false)), fc.constantFrom(...oddPaths).map(shaped(true)), 8);
      }),
    )
    .map((parts) => ({
      path: parts.map(({ part }) => part).join('/'),
      isOddPath: parts.some(({ isOdd }) => isOdd),
    }));
  const queries = rarely(
    fc
      .tuple(
        ...parameters
          .filter((p) => p.in === 'query')
          .map((p) =>
            fc.option(
              valuesOfParameter(p).map((value) => `${p.name}=${value}`),
              { nil: '', freq: p.required === true ? 8 : 2 },
            ),
          ),
      )
      .map((pairs) => pairs.filter((pair) => pair !== '').join('&')),
    fc.constantFrom(...oddQueries),
  );
  const headers = rarely(
    fc.constant<Record<string, string>>({}),
    fc
      .constantFrom(...Object.entries(oddHeaders))
      .chain(([name, values]) => fc.constantFrom(...values).map((value) => ({ [name]: value }))),
    2,
  );
  const content = (operation?.['requestBody'] as { content?: Record<string, { schema: Schema }> } | undefined)
    ?.content;
  const schema = Object.values(content ?? {})[0]?.schema ?? { type: 'object' };
  const [usualType = 'application/json'] = Object.keys(content ?? {});
  const types = rarely(fc.constant(usualType), fc.constantFrom(...contentTypes), 12);
  const payloads =
    method === 'GET'
      ? fc.constant(undefined)
      : content === undefined
        ? rarely(fc.constant(undefined), bodies(schema, known), 2)
        : rarely<Buffer | undefined>(bodies(schema, known), fc.constant(undefined), 20);
  return fc
    .tuple(paths, queries, headers, fc.constantFrom(...credentials), payloads, types)
    .map(([{ path: filled, isOddPath }, query, odd, credential, payload, type]) => ({
      method,
      url: query === '' ? filled : `${filled}?${query}`,
      headers: { ...odd, ...credential, ...(payload !== undefined && { 'content-type': type }) },
      ...(payload !== undefined && { payload }),
      isOddPath,
    }));
};
