import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDeliveryStatus } from '../src/reports/delivery-status.ts';
import { meaningOfRecipient } from '../src/reports/status-meaning.ts';
import { readFieldGroups } from '../src/reports/status-fields.ts';
import { localPartsOf } from '../src/reports/typed-address.ts';
import { anyText } from './any-text.ts';

const groupsOf = (text: string): Record<string, string>[] =>
  readFieldGroups(Buffer.from(text)).map((group) => Object.fromEntries(group));

const statusOf = (fields: string): string | undefined =>
  readDeliveryStatus(Buffer.from(`Action: failed\n${fields}`)).recipients[0]?.status;

describe('the fields of a report', () => {
  test('are grouped by empty lines, whichever line ends and white space they have', () => {
    const text = 'A: 1\r\nB: 2\r\n\r\n \t\r\nC: 3\n\nD: 4\r\rE:5';
    expect(groupsOf(text)).toEqual([{ a: '1', b: '2' }, { c: '3' }, { d: '4' }, { e: '5' }]);
  });

  test('are joined over folded lines, and a fold without a field belongs to nothing', () => {
    expect(groupsOf(' lost\nA: 1\n  2\n\t3\nno field\n  lost\nB:\n x')).toEqual([{ a: '1 2 3', b: 'x' }]);
  });

  test('count once: the first of a name stands, and a fold of a later one does not reach it', () => {
    expect(groupsOf('A: 1\na: 2\n 3\nB: 4')).toEqual([{ a: '1', b: '4' }]);
  });

  test('may have white space before the colon and a colon in their value', () => {
    expect(groupsOf('Remote-MTA : dns; [192.0.2.1]:25')).toEqual([{ 'remote-mta': 'dns; [192.0.2.1]:25' }]);
  });

  test('named like the inner parts of an object are fields like others', () => {
    const [group] = readFieldGroups(Buffer.from('__proto__: x\nconstructor: y'));
    expect([...(group ?? [])]).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  test('of any bytes are read without an exception, bounded in number and size', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), anyText(300), (bytes, text) => {
        readFieldGroups(bytes);
        readDeliveryStatus(Buffer.from(`Action: failed\nStatus: ${text}\nDiagnostic-Code: ${text}`));
      }),
      { numRuns: 1000 },
    );
    expect(groupsOf('A: 1\n\n'.repeat(10_000))).toHaveLength(100);
    expect(groupsOf(`A: 1\n${' 23456789\n'.repeat(6000)}`)[0]?.['a']).toHaveLength(2000);
  });
});

describe('the status of a recipient', () => {
  test.each([
    ['Status: 5.1.1', '5.1.1'],
    ['Status: 5.01.001 (leading zeros)', '5.1.1'],
    ['Status: (first a comment) 4.2.2', '4.2.2'],
    ['Status: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 unknown', '5.1.1'],
    ['Status: 5.0.0\nDiagnostic-Code: smtp;550-5.1.1 unknown', '5.1.1'],
    ['Status: 5.0.0\nDiagnostic-Code: smtp; 550 #5.1.1 unknown', '5.1.1'],
    ['Status: 5.0.0\nDiagnostic-Code: smtp; 450 4.1.1 another class', '5.0.0'],
    ['Status: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1.9 an address', '5.0.0'],
    ['Status: 5.0.0\nDiagnostic-Code: smtp; unknown', '5.0.0'],
    ['Status: 5.2.2\nDiagnostic-Code: smtp; 550 5.1.1 unknown', '5.2.2'],
    ['Diagnostic-Code: smtp; 550 5.1.1 unknown', '5.1.1'],
    ['Diagnostic-Code: X-Unix; 550 5.1.1', '5.1.1'],
    ['Diagnostic-Code: smtp; 550 unknown', undefined],
    ['Status: 9.1.1', undefined],
    ['Status: 5.1', undefined],
    ['Status: 5.1.1.1', undefined],
    ['Status: unknown', undefined],
  ])('of %j is %s', (fields, status) => expect(statusOf(fields)).toBe(status));
});

describe('what a server says of a recipient', () => {
  const words = ({ type, bounce }: ReturnType<typeof meaningOfRecipient>): string =>
    bounce === undefined ? type : `${bounce} ${type}`;

  test.each(['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1', '5.4.4'])(
    'failed %s is a hard bounce',
    (status) => expect(words(meaningOfRecipient({ action: 'failed', status }))).toBe('hard bounced'),
  );

  test.each(['4.4.7', '4.1.1', '5.0.0', '5.2.2', '5.2.3', '5.3.4', '5.4.6', '5.7.1', '5.7.26', undefined])(
    'failed %s is a soft bounce',
    (status) => expect(words(meaningOfRecipient({ action: 'failed', status }))).toBe('soft bounced'),
  );

  test.each([
    ['delayed', '4.4.1', 'deferred'],
    ['delayed', '5.1.1', 'deferred'],
    ['delayed', undefined, 'deferred'],
    ['delivered', '2.1.5', 'delivered'],
    ['delivered', undefined, 'delivered'],
    ['relayed', '2.0.0', 'accepted'],
    ['expanded', '2.0.0', 'accepted'],
    ['failed', '2.0.0', 'unknown'],
    ['delivered', '5.1.1', 'unknown'],
    ['relayed', '4.4.1', 'unknown'],
    ['delayed', '2.0.0', 'unknown'],
  ] as const)('%s %s is %s', (action, status, type) =>
    expect(words(meaningOfRecipient({ action, status }))).toBe(type),
  );
});

test.each([
  ['rfc822; ada@example.org', ['ada']],
  ['rfc822;<ada@example.org>', ['ada']],
  ['rfc822;ada+2Btag@example.org', ['ada+2Btag', 'ada+tag']],
  ['rfc822;ada+40example.org', ['ada']],
  ['utf-8; jürgen@bücher.example', ['jürgen']],
  ['utf-8; j\\x{FC}rgen@example', ['j\\x{FC}rgen', 'jürgen']],
  ['utf-8; \\x{FFFFFF}abc@example', ['\\x{FFFFFF}abc']],
  ['ada@example.org', ['ada']],
  ['rfc822; a@example.org', []],
  ['x-local; uid 1000', []],
  ['', []],
])('the local parts in %j are %j', (field, localParts) => expect(localPartsOf(field)).toEqual(localParts));
