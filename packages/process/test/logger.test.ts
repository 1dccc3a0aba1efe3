import { Secret } from '@reconfirm/core/secret';
import { describe, expect, test } from 'vitest';
import { createLogger, type Logger } from '../src/logger.ts';

/** A logger, and what it has written. */
const openLogger = (
  level = 'info',
): {
  readonly log: Logger;
  readonly lines: () => readonly Record<string, unknown>[];
  readonly text: () => string;
} => {
  let written = '';
  const log = createLogger('test', level, { write: (line) => void (written += line) });
  const lines = (): readonly Record<string, unknown>[] =>
    written
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, lines, text: () => written };
};

describe('a line of the log', () => {
  test('is JSON with a name, a process and a time that a person can read', () => {
    const { log, lines } = openLogger();
    log.info({ messageId: '1' }, 'delivery.attempted');
    expect(lines()).toEqual([
      {
        level: 30,
        time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/),
        name: 'test',
        pid: process.pid,
        messageId: '1',
        msg: 'delivery.attempted',
      },
    ]);
  });

  test('tells of a fault of the database what it was, and no value of the row that it is about', () => {
    const { log, lines, text } = openLogger();
    const error = Object.assign(new Error('new row violates check constraint "accounts_status_check"'), {
      code: '23514',
      constraint: 'accounts_status_check',
      detail: 'Failing row contains (1, ada@example.org, +4520123456).',
      where: 'SQL function "f" with (ada@example.org)',
      internalQuery: "SELECT 'ada@example.org'",
    });
    log.error({ err: error }, 'request.failed');
    log.error({ cause: error }, 'request.failed');
    for (const { err, cause } of lines())
      expect(err ?? cause).toMatchObject({ code: '23514', constraint: 'accounts_status_check' });
    expect(text()).not.toMatch(/ada@|\+4520/);
  });

  test('is one line, whatever stands in it', () => {
    const { log, lines, text } = openLogger();
    const forged = '\r\n{"level":60,"msg":"forged"}\n\u2028\u0085\u0000\u001b[2J';
    log.info({ reason: forged, [forged]: forged, err: new Error(forged) }, forged);
    // oxlint-disable-next-line no-control-regex -- the control characters are what must be escaped
    expect(text().trimEnd()).not.toMatch(/[\u0000-\u001f]/);
    expect(lines()).toEqual([expect.objectContaining({ level: 30, reason: forged, msg: forged })]);
  });

  test('below its level is not written', () => {
    const { log, lines } = openLogger('warn');
    log.info('quiet');
    log.warn('loud');
    expect(lines().map((line) => line['msg'])).toEqual(['loud']);
  });

  test('of a fault carries type, message, stack and cause', () => {
    const { log, lines } = openLogger();
    log.error({ err: new Error('outer', { cause: new TypeError('inner') }) }, 'sweep.failed');
    expect(lines()[0]?.['err']).toMatchObject({
      type: 'Error',
      message: expect.stringContaining('outer'),
      stack: expect.stringContaining('inner'),
    });
  });
});

describe('what must not be in a log', () => {
  test.each(['token', 'code', 'email', 'address', 'authorization', 'apiKey', 'headers'])(
    'a field named %s is not written',
    (field) => {
      const { log, lines, text } = openLogger();
      log.info({ [field]: 'person@example.com' }, 'a line');
      expect(lines()[0]?.[field]).toBe('[redacted]');
      expect(text()).not.toContain('person@example.com');
    },
  );

  test.each(['token', 'email', 'authorization'])('nor is a field named %s inside another', (field) => {
    const { log, text } = openLogger();
    log.info({ account: { [field]: 'person@example.com' } }, 'a line');
    expect(text()).not.toContain('person@example.com');
  });

  test.each(['token', 'email', 'authorization'])('nor is a field named %s of an error', (field) => {
    const { log, text } = openLogger();
    const error = Object.assign(new Error('it failed'), { [field]: 'person@example.com' });
    log.error({ err: error }, 'a line');
    log.error(error);
    expect(text()).toContain('it failed');
    expect(text()).not.toContain('person@example.com');
  });

  test('nor is what a child was bound to', () => {
    const { log, text } = openLogger();
    log.child({ email: 'person@example.com' }).info('a line');
    expect(text()).not.toContain('person@example.com');
  });

  test('a secret is not written, wherever it stands', () => {
    const { log, text } = openLogger();
    const secret = new Secret('hunter2hunter2');
    log.info({ secret, nested: { deep: { list: [secret] } } }, `in the text: ${String(secret)}`);
    log.info('formatted: %s %o', secret, { secret });
    expect(text()).not.toContain('hunter2');
    expect(text()).toContain('[secret]');
  });

  test('nor are the headers of a request', () => {
    const { log, text } = openLogger();
    log.info({ req: { method: 'GET', headers: { cookie: 'session=1' } } }, 'request');
    expect(text()).not.toContain('session=1');
  });

  test('a child’s line hides the same', () => {
    const { log, text } = openLogger();
    log.child({ requestId: 'r1' }).info({ email: 'person@example.com' }, 'a line');
    expect(text()).not.toContain('person@example.com');
    expect(text()).toContain('r1');
  });
});
