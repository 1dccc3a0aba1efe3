import { describe, expect, test } from 'vitest';
import { unconfirmedAfterSeconds } from '../src/delivery-state.ts';
import { explainMessage } from '../src/timeline.ts';
import type { LookupFacts } from '../src/timeline-lookup.ts';
import { at, attempt, facts, link, message, now, report, sent, summary, whats } from './timeline-facts.ts';

describe('what became of it', () => {
  test('the whole story of a message is told in order, with the server’s words', () => {
    const story = facts({
      message: message({ status: 'delivered', sentAt: at(130), settledAt: at(130) }),
      attempts: [
        attempt({ number: 2, startedAt: at(129), finishedAt: at(130) }),
        attempt({
          number: 1,
          result: 'transient',
          code: 'greylisted',
          reply: '451 4.7.1 Greylisted, try again',
        }),
      ],
      events: [
        report({ type: 'delivered', receivedAt: at(140) }),
        report({ type: 'accepted', receivedAt: at(135) }),
      ],
      verification: { createdAt: at(1), expiresAt: at(86_530), consumedAt: at(200) },
    });
    expect(explainMessage(story, now)).toEqual({
      summary: 'The receiving server took it. The link was used and the address is confirmed; nothing to do.',
      entries: [
        { at: at(0), what: 'The request was accepted.' },
        { at: at(1), what: 'The link was made.' },
        {
          at: at(2),
          what: 'Attempt 1 by smtp: It failed for now and will be tried again.',
          detail: 'the mail server asked us to come back later: 451 4.7.1 Greylisted, try again',
        },
        { at: at(130), what: 'Attempt 2 by smtp: The provider took it.', detail: '250 2.0.0 OK' },
        { at: at(135), what: 'The provider confirmed that it took the message.' },
        { at: at(140), what: 'The receiving server took it.' },
        { at: at(200), what: 'The link was used: the address is confirmed.' },
      ],
    });
  });

  test('that the provider was asked is told, and what came of it', () => {
    const asked = (seconds: number, outcome: LookupFacts['outcome']): LookupFacts => ({
      askedAt: at(seconds),
      provider: 'mailgun',
      outcome,
    });
    const story = facts({
      message: message({ status: 'delivered', sentAt: at(2), settledAt: at(2) }),
      events: [report({ receivedAt: at(3601) })],
      lookups: [asked(900, 'nothing_new'), asked(3600, 'found'), asked(3700, null)],
    });
    expect(explainMessage(story, now).entries.slice(2)).toEqual([
      {
        at: at(900),
        what: 'The provider was asked: it knows nothing that had not been reported.',
        detail: 'mailgun',
      },
      { at: at(3600), what: 'The provider was asked: it had something new to say.', detail: 'mailgun' },
      { at: at(3601), what: 'The receiving server took it.' },
      { at: at(3700), what: 'The provider was asked: no answer is known (yet).', detail: 'mailgun' },
    ]);
  });

  test('facts in another order tell the same story', () => {
    const events = [
      report({ receivedAt: at(10) }),
      report({ type: 'bounced', bounce: 'soft', receivedAt: at(20) }),
    ];
    const attempts = [
      attempt(),
      attempt({ number: 2, startedAt: at(4), finishedAt: at(5), result: 'ambiguous' }),
    ];
    const given = facts({ message: sent, events, attempts, verification: link });
    const turned = { ...given, events: events.toReversed(), attempts: attempts.toReversed() };
    expect(explainMessage(turned, now).entries).toEqual(explainMessage(given, now).entries);
  });

  test('reports are ordered by our clock: a provider whose clock is wrong does not turn the story around', () => {
    const events = [
      report({ type: 'delivered', receivedAt: at(20), occurredAt: at(-9000) }),
      report({ type: 'accepted', receivedAt: at(10), occurredAt: at(9000) }),
    ];
    expect(whats(facts({ message: sent, events })).slice(-2)).toEqual([
      'The provider confirmed that it took the message.',
      'The receiving server took it.',
    ]);
  });

  test('a waiting message says what it waits for and until when', () => {
    const failed = attempt({ result: 'transient', code: 'connect', reply: null });
    const deferred = facts({ message: message({ status: 'deferred', nextAt: at(62) }), attempts: [failed] });
    expect(summary(deferred)).toBe(
      'It has not been handed over yet: the mail server could not be reached. The next attempt is due at 2026-11-18T00:01:02.000Z. Nothing to do unless this goes on.',
    );
    expect(
      summary({ ...deferred, attempts: [{ ...failed, result: 'misconfigured', code: 'auth' }] }),
    ).toContain('Mend our settings');
  });

  test('of several failures the last one is named', () => {
    const attempts = [
      attempt({ number: 2, result: 'transient', code: 'tls' }),
      attempt({ number: 1, result: 'transient', code: 'dns' }),
    ];
    expect(summary(facts({ message: message({ status: 'deferred' }), attempts }))).toContain(
      'no encrypted connection',
    );
  });

  test('an attempt without a result is shown as begun', () => {
    const open = attempt({ finishedAt: null, result: null, reply: null });
    expect(whats(facts({ message: message({ status: 'sending' }), attempts: [open] }))).toContain(
      'Attempt 1 by smtp: begun, and no result is known (yet).',
    );
  });

  test('SENT is never told as delivered, and after a day without a report it is unconfirmed', () => {
    const given = facts({ message: sent, attempts: [attempt()], verification: link });
    expect(summary(given, at(2 + unconfirmedAfterSeconds))).toContain('not reported yet');
    const later = summary(
      { ...given, verification: { ...link, expiresAt: at(10 ** 6) } },
      at(3 + unconfirmedAfterSeconds),
    );
    expect(later).toContain('UNCONFIRMED');
    expect(later).toContain('webhook');
  });

  test('a provider that never reports a delivery is not waited for: its silence means nothing', () => {
    const given = facts({ message: { ...sent, provider: 'smtp' }, attempts: [attempt()] });
    for (const when of [at(10), at(30 * 86_400)]) {
      expect(summary(given, when)).toContain('reports no deliveries');
      expect(summary(given, when)).not.toMatch(/UNCONFIRMED|not reported yet|[Ww]ebhook/);
    }
    expect(summary({ ...given, message: { ...sent, provider: 'mailgun' } })).toContain('not reported yet');
  });

  test('a message that the receiving server has put off so far is told as such, until the day is over', () => {
    const events = [report({ type: 'deferred', receivedAt: at(20) })];
    const given = facts({ message: { ...sent, provider: 'mailgun' }, events });
    expect(summary(given)).toContain('has put it off so far');
    expect(summary(given, at(3 + unconfirmedAfterSeconds))).toContain('UNCONFIRMED');
  });

  test('what was asked for stands in the first line', () => {
    const asked = facts({ message: message({ purpose: 'recovery', contract: 'gotrue' }) });
    expect(explainMessage(asked, now).entries[0]).toEqual({
      at: at(0),
      what: 'The request was accepted.',
      detail: 'recovery by e-mail, asked for by gotrue',
    });
  });

  test.each([
    [{ type: 'bounced', bounce: 'hard' }, 'another address'],
    [{ type: 'bounced', bounce: 'soft' }, 'may pass'],
    [{ type: 'rejected' }, 'settle it with the provider'],
    [{ type: 'failed' }, 'may pass'],
  ] as const)('a failure by %j tells what to do', (change, step) => {
    const given = facts({
      message: message({ status: 'bounced', sentAt: at(2), settledAt: at(2) }),
      events: [report(change)],
    });
    expect(summary(given)).toContain(step);
  });

  test('a refusal during the hand-over names the server’s verdict', () => {
    const attempts = [
      attempt({ result: 'permanent', code: 'recipient_refused', reply: '550 5.1.1 No such user' }),
    ];
    const given = facts({
      message: message({ status: 'bounced', reason: 'recipient_refused', settledAt: at(2) }),
      attempts,
    });
    expect(summary(given)).toContain('refused the recipient');
    expect(explainMessage(given, now).entries.at(-1)?.detail).toBe(
      'the mail server refused the recipient: 550 5.1.1 No such user',
    );
  });
});

describe('the link', () => {
  const delivered = facts({
    message: message({ status: 'delivered', sentAt: at(2), settledAt: at(2) }),
    verification: link,
  });

  test('that lives says when it dies', () =>
    expect(explainMessage(delivered, now).entries.at(-1)).toEqual({
      at: at(86_400),
      what: 'The link will expire, unless it is used before.',
    }));

  test('that is over is said to be over, from the very second', () => {
    expect(summary(delivered, at(86_399))).not.toContain('expired');
    expect(summary(delivered, at(86_400))).toContain('expired unused. Let the person ask for a new one.');
    expect(whats(delivered, at(86_400)).at(-1)).toBe('The link expired unused.');
  });

  test('that a newer request killed is said to be dead, with the time', () => {
    const given = { ...delivered, message: { ...delivered.message, newerAcceptedAt: at(61) } };
    expect(summary(given)).toContain('no longer works, because a newer message was asked for');
    expect(explainMessage(given, now).entries).toContainEqual({
      at: at(61),
      what: 'A newer request for the same address was accepted.',
    });
  });

  test('that was used in time is not called dead because of a newer request', () => {
    const used = { ...link, consumedAt: at(30) };
    expect(
      summary({
        ...delivered,
        verification: used,
        message: { ...delivered.message, newerAcceptedAt: at(61) },
      }),
    ).toContain('confirmed');
  });
});

test('nothing of a person, a link or a token is repeated from what servers said', () => {
  const words = 'user ada@example.org see https://x.example/?t=1 ' + 'ab12'.repeat(16);
  const text = JSON.stringify(
    explainMessage(
      facts({
        message: message({ status: 'skipped', reason: words, settledAt: at(3) }),
        attempts: [attempt({ result: 'permanent', code: words, reply: words })],
        events: [report({ type: 'bounced', bounce: 'hard', reason: words })],
      }),
      now,
    ),
  );
  expect(text).not.toMatch(/ada@|https:|ab12ab12/);
});

test('a link that was withdrawn is told as one, and not as one that will expire', () => {
  const withdrawn = facts({ message: sent, verification: { ...link, revokedAt: at(60) } });
  expect(whats(withdrawn)).toContain('The link was withdrawn; it no longer works.');
  expect(whats(withdrawn).join()).not.toContain('will expire');
  expect(summary(withdrawn)).toContain('Its link was withdrawn.');
});
