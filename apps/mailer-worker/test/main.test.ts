import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSilentPort } from '@reconfirm/local-stack';
import { describe, expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import { createGate } from './support/gate.ts';
import { tokenIn } from './support/mail-token.ts';
import { register } from './support/requests.ts';
import { runMain } from './support/run-main.ts';
import { openScene } from './support/scene.ts';

const right = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://nobody:db-password@127.0.0.1:9/none',
  QUEUE_BACKEND: 'postgres',
  PUBLIC_URL: 'https://verify.example.com',
  TOKEN_KEYS: `1:${Buffer.alloc(32, 1).toString('base64')}`,
  ADDRESS_HASH_KEY: Buffer.alloc(32, 2).toString('base64'),
  SMTP_URL: 'smtp://user:smtp-password@smtp.example.com:587',
  MAIL_FROM: 'Reconfirm <no-reply@mail.example.com>',
};

describe('the command line', () => {
  test('--help says what the process does and names every setting, without needing one', async () => {
    await using main = runMain(['--help'], {});
    expect(await main.exited).toBe(0);
    for (const name of ['SMTP_URL', 'LEASE_SECONDS', 'SHUTDOWN_TIMEOUT_SECONDS', '--check'])
      expect(main.stdout()).toContain(name);
  });

  test('--check is content with right settings, and touches no store', async () => {
    await using main = runMain(['--check'], right);
    expect(await main.exited).toBe(0);
    expect(main.stdout()).toContain('The settings are right');
    expect(main.stderr()).toBe('');
  });

  test('wrong settings end with 78, every problem told, no secret among them', async () => {
    const wrong = {
      ...right,
      PUBLIC_URL: 'http://verify.example.com',
      SMTP_TLS: 'off',
    };
    await using main = runMain(['--check'], wrong);
    expect(await main.exited).toBe(78);
    for (const name of ['PUBLIC_URL', 'SMTP_TLS']) expect(main.stderr()).toContain(`- ${name}`);
    expect(main.stderr()).not.toContain('password');
  });

  test('a password that would travel in clear over the network ends with 78 and a sentence', async () => {
    const inClear = { ...right, NODE_ENV: 'development', SMTP_TLS: 'off' };
    await using main = runMain(['--check'], inClear);
    expect(await main.exited).toBe(78);
    expect(main.stderr()).toMatch(/- SMTP_URL: .*credentials may go to this machine only\./);
    expect(main.stderr()).not.toMatch(/smtp-password|\n\s+at /);

    await using local = runMain(['--check'], {
      ...inClear,
      SMTP_URL: 'smtp://user:smtp-password@127.0.0.1:25',
    });
    expect(await local.exited, 'on this machine nobody listens in').toBe(0);
  });

  test('a second provider whose server cannot be used ends with 78 and names its own setting', async () => {
    await using main = runMain(['--check'], {
      ...right,
      NODE_ENV: 'development',
      SMTP_TLS: 'off',
      SMTP_URL: 'smtp://user:smtp-password@127.0.0.1:25',
      EMAIL_FAILOVER_PROVIDER: 'smtp',
      SMTP_FAILOVER_URL: 'smtp://user:smtp-password@smtp.example.net:587',
    });
    expect(await main.exited).toBe(78);
    expect(main.stderr()).toMatch(/- SMTP_FAILOVER_URL: .*credentials may go to this machine only\./);
    expect(main.stderr()).not.toContain('smtp-password');
  });

  test('a provider that needs a server and has none ends with 78', async () => {
    await using main = runMain(['--check'], { ...right, EMAIL_PROVIDER: 'mailgun', SMTP_URL: '' });
    expect(await main.exited).toBe(78);
    expect(main.stderr()).toContain('- SMTP_PASSWORD (or SMTP_URL) is required with EMAIL_PROVIDER=mailgun');
  });

  test('settings that cannot be read are all told at once, also without --check', async () => {
    await using main = runMain([], {
      ...right,
      LEASE_SECONDS: '1',
      OPS_PORT: 'x',
      TOKEN_KEYS: '1:short',
      MAIL_FROM: '',
    });
    expect(await main.exited).toBe(78);
    for (const name of ['LEASE_SECONDS', 'OPS_PORT', 'TOKEN_KEYS', 'MAIL_FROM'])
      expect(main.stderr()).toContain(`- ${name}`);
  });

  test('an unknown flag ends with 78 and names it', async () => {
    await using main = runMain(['--chekc'], right);
    expect(await main.exited).toBe(78);
    expect(main.stderr()).toContain('--chekc is not known; try --help');
  });

  test('a secret may come from a file, and a file that cannot be read is a problem told', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'settings-'));
    try {
      const file = join(folder, 'keys');
      await writeFile(file, `${right.TOKEN_KEYS}\n`);
      await chmod(file, 0o400);
      await using main = runMain(['--check'], { ...right, TOKEN_KEYS: undefined, TOKEN_KEYS_FILE: file });
      expect(await main.exited).toBe(0);
      await using missing = runMain(['--check'], {
        ...right,
        TOKEN_KEYS: undefined,
        TOKEN_KEYS_FILE: `${file}-gone`,
      });
      expect(await missing.exited).toBe(78);
      expect(missing.stderr()).toContain('TOKEN_KEYS_FILE cannot be read');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the process', () => {
  test('delivers, and ends with 0 on SIGTERM after it has finished what is in hand', async () => {
    const gate = createGate();
    await using inbox = await startInbox({
      onRcptTo: (_to, _session, callback) => gate.hold(callback),
    });
    await using scene = await openScene(inbox.url);
    const { messageId } = await register(scene.db, 'reader@example.org');
    await using main = runMain([], scene.environment());
    await scene.ring(messageId);
    await gate.reached;
    main.child.kill('SIGTERM');
    await eventually('it noticed', () => main.stdout().includes('process.stopping'));
    gate.open();
    expect(await main.exited).toBe(0);
    expect(await scene.message(messageId)).toMatchObject({ status: 'sent', lost_leases: 0 });
    expect(main.stdout()).not.toContain(tokenIn(inbox.mails[0]));
    expect(main.stdout()).not.toContain('reader@example.org');
  });

  test('ends in its time on SIGTERM when Redis is silent, and gives back what hangs', async () => {
    const gate = createGate();
    await using blackhole = await openSilentPort();
    await using inbox = await startInbox({ onRcptTo: () => gate.hold(() => {}) });
    await using scene = await openScene(inbox.url, 'postgres');
    const { messageId } = await register(scene.db, 'reader@example.org');
    const redis = { QUEUE_BACKEND: 'redis', REDIS_URL: `redis://127.0.0.1:${blackhole.port}` };
    await using main = runMain([], scene.environment({ ...redis, SHUTDOWN_TIMEOUT_SECONDS: '1' }));
    await gate.reached;
    const startedMs = performance.now();
    main.child.kill('SIGTERM');
    expect(await main.exited).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(6000);
    expect((await scene.attempts(messageId)).map(({ result }) => result)).toEqual(['given_back']);
    gate.open();
  });

  test('that is killed in the middle of a send costs one more copy at most, with the same link', async () => {
    await using inbox = await startInbox();
    const gate = createGate();
    await using stalling = await startInbox({ onRcptTo: () => gate.hold(() => {}) });
    await using scene = await openScene(inbox.url);
    const { messageId } = await register(scene.db, 'reader@example.org');
    {
      await using main = runMain([], scene.environment({ SMTP_URL: stalling.url }));
      await scene.ring(messageId);
      await gate.reached;
      main.child.kill('SIGKILL');
      expect(await main.exited).toBe('SIGKILL');
    }
    const { token_hash: promised } = await scene.db
      .selectFrom('verifications')
      .select('token_hash')
      .where('message_id', '=', messageId)
      .executeTakeFirstOrThrow();
    // No one is asked to look: the lease runs out after its 3 s and the sweep finds it.
    await scene.start();
    expect(await scene.settled(messageId)).toMatchObject({ status: 'sent', lost_leases: 1, failures: 0 });
    expect(inbox.mails).toHaveLength(1);
    const { token_hash: kept } = await scene.db
      .selectFrom('verifications')
      .select('token_hash')
      .where('message_id', '=', messageId)
      .executeTakeFirstOrThrow();
    expect(kept).toEqual(promised);
    gate.open();
  });
});
