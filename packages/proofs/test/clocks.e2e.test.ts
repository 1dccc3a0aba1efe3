import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { expect, test } from 'vitest';
import type { Answer } from '../src/http-client.ts';
import { redisSettings } from '../src/installation.ts';
import { untilSettled } from '../src/load.ts';
import { reportEvent } from '../src/mailgun-webhook.ts';
import { countByRecipient, nextMail, tokenOf } from '../src/mails.ts';
import { wrongClock } from '../src/wrong-clock.ts';
import { openScene } from './support/scene.ts';

const address = 'ada@example.com';

/** By how many minutes the clock of whoever answered is ahead. */
const minutesAhead = ({ headers }: Answer): number =>
  Math.round((Date.parse(headers.date ?? '') - Date.now()) / 60_000);

describeWithRedis(
  'processes whose clocks are five minutes apart from the stores, either way,',
  (redisUrl) => {
    test('keep cooldowns, lifetimes and leases as they are', async ({ skip }) => {
      const [ahead, behind] = [wrongClock(5), wrongClock(-5)];
      if (ahead === undefined || behind === undefined)
        return skip('libfaketime is not installed (Debian: faketime)');
      await using scene = await openScene({
        ...redisSettings(redisUrl),
        RATE_LIMIT_ADDRESS: '1/600',
        RATE_LIMIT_IP: 'off',
        SWEEP_INTERVAL_MS: '200',
      });
      const [early, late] = await Promise.all([scene.startApi(ahead), scene.startApi(behind)]);
      await Promise.all([scene.startWorker(ahead), scene.startWorker(behind)]);
      // Or the rest would show nothing.
      expect(minutesAhead(await early.client.ask('GET', '/livez'))).toBe(5);
      expect(minutesAhead(await late.client.ask('GET', '/livez'))).toBe(-5);

      for (const [api, email] of [
        [early, address],
        [late, `late-${address}`],
      ] as const) {
        const other = api === early ? late : early;
        const { apiKey } = (await api.client.register(email)).body;
        const mail = await nextMail(scene.inbox, email);
        // The other process, ten minutes away, sees the same ten minutes of cooldown and the same live link.
        for (const { client } of [api, other]) {
          const seconds = await client.cooldownSeconds(email);
          expect(seconds).toBeGreaterThan(480);
          expect(seconds).toBeLessThanOrEqual(600);
          const again = await client.resend(email);
          expect([again.status, again.body.reason]).toEqual([429, 'RESEND_COOLDOWN']);
          expect(await client.check(tokenOf(mail))).toEqual({ valid: true, email });
        }
        expect((await reportEvent(other.client, 'delivered', mail)).status).toBe(200);
        expect((await other.client.confirm(tokenOf(mail))).status).toBe(200);
        expect(await api.client.me(apiKey)).toMatchObject({ status: 'ACTIVE' });
      }

      // Fifty messages, two workers ten minutes apart, leases of fifteen seconds: nobody takes what another holds.
      const emails = Array.from({ length: 50 }, (_, index) => `many-${index}@example.com`);
      for (const [index, email] of emails.entries())
        expect((await (index % 2 === 0 ? early : late).client.register(email)).status).toBe(201);
      await untilSettled(early.client);
      const sent = await countByRecipient(scene.inbox);
      expect(emails.filter((email) => sent.get(email) !== 1)).toEqual([]);
      const attempts = (await early.client.messages()).map((message) => message.attempts);
      expect(new Set(attempts)).toEqual(new Set([1]));
    });
  },
);
