import { describe, expect, test } from 'vitest';
import { deliveryEventTypes } from '../src/delivery-event.ts';
import { messageRanks, type MessageStatus } from '../src/message.ts';
import { type NotSentReason, notSentReasons, type PutOffReason, putOffReasons } from '../src/resolve.ts';
import type { SmtpFailureCode } from '../src/smtp-reply.ts';
import { type SuppressionReason, suppressionReasons } from '../src/suppression.ts';
import { explainMessage } from '../src/timeline.ts';
import { at, attempt, facts, message, now, report, sent, summary, whats } from './timeline-facts.ts';

/** A record, so that a code that is added does not compile until it is tested here. */
const smtpFailureCodes = Object.keys({
  dns: 1,
  connect: 1,
  tls: 1,
  auth: 1,
  greeting: 1,
  relay_refused: 1,
  sender_refused: 1,
  recipient_refused: 1,
  recipient_invalid: 1,
  message_refused: 1,
  greylisted: 1,
  throttled: 1,
  quota: 1,
  timeout: 1,
  connection_lost: 1,
  protocol: 1,
  aborted: 1,
  settings: 1,
  unknown: 1,
} satisfies Record<SmtpFailureCode, 1>);

/** A sentence and a next step: at least two sentences, each begun and ended as one. */
const expectExplained = (text: string): void => {
  expect(text).toMatch(/^[A-Z].*\.$/);
  expect(text.split(/\. (?=[A-Z])/).length).toBeGreaterThanOrEqual(2);
  expect(text).not.toMatch(/undefined|null|\[object|NaN/);
};

describe('every silence is explained', () => {
  const reasons = Object.keys(notSentReasons) as NotSentReason[];

  test.each(reasons)('%s has its sentence, a next step and a line', (reason) => {
    const status: MessageStatus =
      reason === 'too_late' || reason === 'lost_too_often' ? 'gave_up' : 'skipped';
    const explained = explainMessage(facts({ message: message({ status, reason, settledAt: at(3) }) }), now);
    expectExplained(explained.summary);
    expect(explained.summary.startsWith(notSentReasons[reason])).toBe(true);
    expect(explained.entries.at(-1)).toEqual({
      at: at(3),
      what: status === 'skipped' ? 'Not sent.' : 'Given up.',
      detail: notSentReasons[reason],
    });
  });

  test.each(Object.keys(putOffReasons) as PutOffReason[])(
    '%s says who must do what, and when it is tried again',
    (reason) => {
      const putOff = message({ status: 'deferred', reason, nextAt: at(3660) });
      for (const attempts of [[], [attempt({ result: 'transient', code: 'greylisted', reply: null })]]) {
        const text = summary(facts({ message: putOff, attempts }));
        expectExplained(text);
        expect(text).toContain(putOffReasons[reason]);
        expect(text).toContain(at(3660).toISOString());
      }
    },
  );

  test.each(Object.keys(suppressionReasons) as SuppressionReason[])(
    'a suppressed address (%s) is explained: why, since when, until when, and what to do',
    (reason) => {
      const skipped = message({ status: 'skipped', reason: 'suppressed', settledAt: at(3) });
      const record = {
        id: '7',
        reason,
        suppressedAt: at(-100),
        expiresAt: reason === 'complaint' ? null : at(86_400),
        liftedAt: null,
        detail: '550 5.1.1 user unknown',
        isOfThisMessage: false,
      };
      const inForce = facts({ message: skipped, suppression: record });
      expectExplained(summary(inForce));
      expect(summary(inForce)).toContain(suppressionReasons[reason]);
      expect(summary(inForce)).toContain('DELETE /v1/admin/suppressions/7');
      expect(explainMessage(inForce, now).entries[0]).toMatchObject({
        at: at(-100),
        what: expect.stringContaining(
          reason === 'complaint' ? 'until it is lifted' : at(86_400).toISOString(),
        ) as string,
        detail: '550 5.1.1 user unknown',
      });
      const lifted = facts({ message: skipped, suppression: { ...record, liftedAt: at(5) } });
      expectExplained(summary(lifted));
      expect(summary(lifted)).toContain('let the person ask again');
      expect(summary(lifted)).not.toContain('DELETE');
    },
  );

  test('the message that began it says that nothing more is sent, and one that is older does not speak of it', () => {
    const bounced = message({ status: 'bounced', reason: 'bounce', sentAt: at(2), settledAt: at(2) });
    const record = {
      id: '7',
      reason: 'hard_bounce',
      suppressedAt: at(10),
      expiresAt: at(86_400),
      liftedAt: null,
      detail: null,
      isOfThisMessage: true,
    } as const;
    const began = facts({ message: bounced, events: [report({ type: 'bounced', bounce: 'hard' })] });
    expect(whats({ ...began, suppression: record }).at(-1)).toMatch(/^From here on nothing is sent/);
    expect(summary({ ...began, suppression: record })).toContain('DELETE /v1/admin/suppressions/7');
    expect(whats({ ...began, suppression: { ...record, isOfThisMessage: false } })).toEqual(whats(began));
  });

  test('no two reasons are explained alike', () => {
    const texts = reasons.map((reason) =>
      summary(facts({ message: message({ status: 'skipped', reason, settledAt: at(3) }) })),
    );
    expect(new Set(texts).size).toBe(reasons.length);
  });

  test.each(Object.keys(messageRanks) as MessageStatus[])(
    'a message that is %s is explained with and without a known reason',
    (status) => {
      for (const reason of [null, 'recipient_refused', 'a word of a newer version', 'constructor'])
        for (const settledAt of [null, at(3)])
          expectExplained(summary(facts({ message: message({ status, reason, settledAt }) })));
    },
  );

  test.each(smtpFailureCodes)('a refusal with %s has a clause of its own', (code) => {
    const text = summary(facts({ message: message({ status: 'gave_up', reason: code, settledAt: at(3) }) }));
    expectExplained(text);
    expect(text).not.toContain(code === 'unknown' ? '[' : '_');
    const [entry] = explainMessage(
      facts({ attempts: [attempt({ result: 'permanent', code, reply: null })] }),
      now,
    ).entries.slice(1);
    expect(entry?.detail).toMatch(/^[a-z].{10,}$/);
  });

  test.each(deliveryEventTypes)('a report of %s has a line of its own', (type) => {
    expect(whats(facts({ message: sent, events: [report({ type })] })).at(-1)).toMatch(/^The .{10,}\.$/);
  });

  test('the lines of all kinds of reports differ', () => {
    expect(
      new Set(deliveryEventTypes.map((type) => whats(facts({ events: [report({ type })] })).at(-1))).size,
    ).toBe(deliveryEventTypes.length);
  });
});
