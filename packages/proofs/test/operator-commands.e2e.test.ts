import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startInbox } from '@reconfirm/local-stack';
import { testStores } from '@reconfirm/local-stack/testing';
import { linkOf } from '../src/mails.ts';
import { postgresSettings, redisSettings, webhookKey } from '../src/installation.ts';
import { openScene } from './support/scene.ts';

const repo = join(import.meta.dirname, '..', '..', '..');

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command as `npm run` does, with nothing in its environment but what is given. */
const run = (
  name: 'why' | 'test-message',
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended> =>
  new Promise((resolve) => {
    const file = join(repo, 'packages', 'operator', 'src', `${name}.ts`);
    execFile(process.execPath, [file, ...args], { env, timeout: 90_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err });
    });
  });

const { redisUrl } = testStores();

// Some fifteen processes are started, which takes a second or two each on a busy machine.
test(
  'an operator sends tests to simulated addresses by the real path and is told what became of each, and why',
  { timeout: 240_000 },
  async () => {
    await using scene = await openScene({
      ...(redisUrl === null ? postgresSettings : redisSettings(redisUrl)),
      TEST_MESSAGE_LIMIT: 'off',
      RATE_LIMIT_ADDRESS: '1/3600',
    });
    const { client, url, adminKey } = await scene.startApi();
    const env = { PUBLIC_URL: url, ADMIN_KEY: adminKey };
    await using inbox = await startInbox({
      reportTo: { url: `${url}/v1/mailgun/webhook`, signingKey: webhookKey },
    });
    await scene.startWorker({ SMTP_URL: inbox.smtpUrl });
    const at = (localPart: string): string => `${localPart}@simulator.reconfirm.test`;

    // The result, the exit code, and what the operator reads.
    const endings = [
      ['deliver', 'DELIVERED', 0, /receiving server took it/],
      ['bounce', 'FAILED', 1, /550 5\.1\.1 No such mailbox \(simulated\)/],
      ['late-bounce', 'FAILED', 1, /refused it for good[^]*another address/],
      ['reject', 'FAILED', 1, /would not carry it/],
      ['complaint', 'COMPLAINED', 1, /reported the message as spam/],
    ] as const;
    for (const [localPart, state, code, words] of endings) {
      const sent = await run('test-message', ['--', at(localPart)], env);
      // A complaint follows a delivery, so the command may end with either.
      if (localPart === 'complaint')
        await expect
          .poll(async () => (await client.messages({ address: at(localPart) }))[0]?.status, {
            timeout: 20_000,
          })
          .toBe('complained');
      else
        expect(sent).toMatchObject({
          code,
          err: '',
          out: expect.stringMatching(new RegExp(`^${state} `, 'm')),
        });
      const told = localPart === 'complaint' ? await run('why', ['--', at(localPart)], env) : sent;
      expect(told.out).toMatch(new RegExp(`^${state}  test by e-mail by mailgun, asked for at `, 'm'));
      expect(told.out).toMatch(words);
      // Colours are for terminals.
      expect(told.out).not.toContain('\u001b');
    }

    const deferred = await run('test-message', [at('defer'), '--wait', '3'], env);
    expect(deferred.code).toBe(1);
    expect(deferred.out).toMatch(/^QUEUED [^]*has not been handed over yet: [^]*next attempt is due at/m);
    expect(deferred.out).toContain('451 4.7.1 Try again later (simulated)');
    // The provider reports, and so far it has not: SENT, and not DELIVERED.
    const silent = await run('test-message', [at('silent'), '--wait', '3', '--json'], env);
    expect(silent.code).toBe(0);
    expect(JSON.parse(silent.out)).toMatchObject({ message: { state: 'SENT', purpose: 'test' } });

    // What arrived is the real mail, and its link opens nothing.
    const mail = await inbox.next({ to: at('deliver'), timeoutMs: 10_000 });
    if (mail === undefined) throw new Error('no mail came');
    const link = linkOf(mail);
    expect(link.pathname).toBe('/v1/verify-email');
    expect(mail.code).toBe('000000');
    expect(await client.check(link.searchParams.get('token') ?? '')).toEqual({ valid: false });

    // A person whose second request a limit refused: one message, and the limit is named.
    await client.register('ada@example.com');
    expect((await client.resend('ada@example.com')).status).toBe(429);
    await expect
      .poll(async () => (await client.messages({ address: 'ada@example.com' }))[0]?.status, {
        timeout: 20_000,
      })
      .toBe('sent');
    const ada = await run('why', ['ada@example.com'], env);
    expect(ada.out).toMatch(
      /Limits {2}A request for signup by v1 is refused now, because 1 in 1 hour is used/,
    );
    const [message] = await client.messages({ address: 'ada@example.com' });
    const byId = await run('why', [message?.id ?? '', '--json'], env);
    expect(JSON.parse(byId.out)).toMatchObject({ message: { id: message?.id, state: 'SENT' } });
    expect(byId.out).not.toMatch(/token=|[0-9a-f]{64}/);

    expect(await run('why', ['nobody@example.com'], env)).toMatchObject({
      code: 1,
      out: expect.stringContaining('No message for this address is on record'),
    });
    expect(
      await run('why', ['ada@example.com'], { ...env, ADMIN_KEY: 'another-key-of-24-characters' }),
    ).toMatchObject({
      code: 1,
      err: expect.stringContaining('does not know this ADMIN_KEY'),
    });
  },
);
