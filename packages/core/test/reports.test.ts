import { describe, expect, test } from 'vitest';
import { bounceTag } from '../src/reports/bounce-address.ts';
import type { ReportContext } from '../src/reports/judge-report.ts';
import { addressOf, judge, ours, receivedAt, reportNames, reportText, ring } from './report-mails.ts';

const at = (iso: string): Date => new Date(iso);
const sent = at('2026-11-18T00:00:05Z');
const bounced = (bounce: 'hard' | 'soft', reason: string) => ({ type: 'bounced', bounce, reason });

/** What each report has to come out as: an event, or the reason why there is none. */
const expected: Readonly<Record<string, Readonly<Record<string, unknown>> | string>> = {
  'action-unknown': 'says_nothing',
  'arf-abuse': { type: 'complained', reason: 'abuse' },
  'arf-auth-failure': 'says_nothing',
  'arf-by-envelope-id': { type: 'complained', reason: 'abuse' },
  'arf-by-returned-path': { type: 'complained', reason: 'other' },
  'arf-fraud-by-original-mail-from': { type: 'complained', reason: 'fraud' },
  'arf-not-spam': 'says_nothing',
  'arf-redacted': 'unproven',
  'arf-virus': 'says_nothing',
  'arf-without-version': 'not_a_report',
  delivered: { type: 'delivered', reason: 'delivered 2.1.5' },
  'exchange-mailbox-full': bounced(
    'soft',
    'failed 5.2.2: 554 5.2.2 mailbox full; STOREDRV.Deliver; [token].[token]',
  ),
  'exchange-policy': bounced(
    'soft',
    'failed 5.7.1: 550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy',
  ),
  'exchange-recipient-not-found': bounced(
    'hard',
    'failed 5.1.10: 550 5.1.10 RESOLVER.ADR.[token]; Recipient [address] not found by SMTP address lookup',
  ),
  'exim-refused-without-code': bounced('soft', 'failed 5.0.0: 550 Administrative prohibition (192.0.2.25)'),
  'exim-user-unknown': bounced('hard', "failed 5.1.1: 550 5.1.1 <[address]> User doesn't exist"),
  'expanded-to-a-list': { type: 'accepted', reason: 'expanded 2.0.0' },
  'failed-with-success-code': 'says_nothing',
  'global-embedded-in-base64': bounced('hard', 'failed 5.2.1: 550 5.2.1 mailbox of [removed] is disabled'),
  'global-utf8': bounced('hard', 'failed 5.1.1: 550 5.1.1 [removed]: kein Postfach dieses Namens'),
  'gmail-delayed': {
    type: 'deferred',
    reason:
      'delayed 4.4.1: The recipient server did not accept our requests to connect. [mail.example.org 192.0.2.25: timed out]',
  },
  'gmail-no-such-user': bounced(
    'hard',
    "failed 5.1.1: 550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or 550-5.1.1 unnecessary spaces. For more",
  ),
  'mdn-read-receipt': 'auto_reply',
  'person-answers': 'not_a_report',
  'postfix-delayed': {
    type: 'deferred',
    reason: 'delayed 4.4.1: connect to mail.example.org[192.0.2.25]:25: Connection timed out',
  },
  'postfix-expired': bounced(
    'soft',
    'failed 4.4.1: connect to mail.example.org[192.0.2.25]:25: Connection refused',
  ),
  'postfix-no-such-domain': bounced(
    'hard',
    'failed 5.4.4: Host or domain name not found. Name service error for name=example.org type=A: Host not found',
  ),
  'postfix-relayed': { type: 'accepted', reason: 'relayed 2.0.0: 250 2.0.0 Ok: queued as 4XyZ2' },
  'postfix-user-unknown': bounced(
    'hard',
    'failed 5.1.1: 550 5.1.1 <[address]>: Recipient address rejected: User [removed] unknown in virtual mailbox table',
  ),
  'sendmail-comments-and-folds': bounced('hard', 'failed 5.1.6: 551 5.1.6 has moved'),
  'several-all-failed': bounced('soft', 'failed 5.2.2: 552 5.2.2 quota of [removed] exceeded'),
  'several-one-delivered': { type: 'delivered', reason: 'delivered 2.1.5' },
  'several-one-still-tried': { type: 'deferred', reason: 'delayed 4.2.2' },
  'status-missing': bounced('hard', 'failed 5.2.1: 550 5.2.1 The mailbox is disabled'),
  'system-not-found-5.1.2': bounced('hard', 'failed 5.1.2: host unknown'),
  'text-bounce-without-a-report': 'not_a_report',
  'vacation-reply': 'auto_reply',
  'without-message-id-and-date': bounced('hard', 'failed 5.1.3: 553 5.1.3 bad address syntax'),
};

/** As each kind comes: a complaint has a sender, and may go to the address for feedback loops. */
const envelopeOf = (name: string): Partial<ReportContext> => {
  if (!name.startsWith('arf-')) return {};
  const toLoop = reportText(name).includes('To: <fbl@');
  return {
    sender: 'feedback@feedback.example.net',
    ...(toLoop && { recipients: ['fbl@bounces.example.com'] }),
  };
};

const eventOf = (name: string, changes: Partial<ReportContext> = {}) => {
  const verdict = judge(reportText(name), { ...envelopeOf(name), ...changes });
  if (verdict.kind !== 'proven') throw new Error(`${name} is no event`);
  return verdict;
};

const proven = reportNames.filter((name) => typeof expected[name] === 'object');

test('every report among the fixtures has a meaning here, and the other way round', () =>
  expect(reportNames).toEqual(Object.keys(expected).toSorted()));

describe('what a report means', () => {
  test.each(reportNames)('%s', (name) => {
    const verdict = judge(reportText(name), envelopeOf(name));
    const meaning = expected[name];
    if (typeof meaning === 'string') {
      const said = verdict.kind === 'ignored' ? verdict.reason : verdict.kind;
      return expect(said).toBe(meaning);
    }
    const { event } = eventOf(name);
    const { eventId, ...rest } = event;
    expect(rest).toEqual({
      ...meaning,
      messageId: ours,
      occurredAt: name === 'without-message-id-and-date' ? receivedAt : sent,
    });
    return expect(eventId).toMatch(/^report-[0-9a-f]{40}$/);
  });

  test('no event names the address that it was about, nor the one it came back to', () => {
    for (const name of proven) {
      const text = JSON.stringify(eventOf(name).event).toLowerCase();
      for (const secret of ['ada.lovelace', 'grace.hopper', 'müller', bounceTag(ring, ours).slice(-16)])
        expect(text, name).not.toContain(secret);
    }
  });
});

describe('a report counts once', () => {
  test('the same report has the same id, every other has another', () => {
    const ids = proven.map((name) => eventOf(name).event.eventId);
    const again = proven.map((name) => eventOf(name).event.eventId);
    expect(again).toEqual(ids);
    expect(new Set(ids).size).toBe(proven.length);
  });

  test('with the Message-ID of a report on another message it is not taken for that one', () => {
    const other = '0199a1b2-0000-7000-8000-000000000002';
    const mine = eventOf('delivered');
    const theirs = judge(reportText('delivered', other), { recipients: [addressOf(other)] });
    expect(theirs).toMatchObject({ kind: 'proven', event: { messageId: other } });
    if (theirs.kind !== 'proven') return;
    expect(theirs.event.eventId).not.toBe(mine.event.eventId);
    expect(theirs.replayKey).not.toEqual(mine.replayKey);
  });

  test('without a Message-ID it is known by its part for machines, whatever else changes on the way', () => {
    const text = reportText('without-message-id-and-date');
    const first = judge(text);
    const again = judge(`Received: by another.example.org\r\n${text}`);
    const another = judge(text.replace('553 5.1.3', '554 5.1.3'));
    expect(again).toEqual(first);
    if (first.kind !== 'proven' || another.kind !== 'proven') throw new Error('no event');
    expect(another.event.eventId).not.toBe(first.event.eventId);
  });
});

describe('whose word counts', () => {
  const other = '0199a1b2-0000-7000-8000-000000000002';

  test('the address that a report comes to decides, whatever message it names besides', () => {
    const verdict = judge(reportText('postfix-user-unknown', other));
    expect(verdict).toMatchObject({ kind: 'proven', event: { messageId: ours } });
  });

  test('an envelope id that we made counts where no address of ours is left', () => {
    const verdict = judge(reportText('postfix-user-unknown'), { recipients: ['postmaster@example.com'] });
    expect(verdict).toMatchObject({ kind: 'proven', event: { messageId: ours } });
  });

  test('the return path of the mail that a report returns counts as well', () => {
    const text = reportText('exim-user-unknown');
    expect(judge(text, { recipients: [] })).toMatchObject({ kind: 'proven', event: { messageId: ours } });
  });

  test('a Message-ID alone proves nothing, and it says which message was named', () => {
    const text = reportText('exim-user-unknown').replace(/^Return-Path: .*\r\n/m, '');
    expect(judge(text, { recipients: [] })).toEqual({
      kind: 'unproven',
      isFeedback: false,
      claimedMessageId: ours,
    });
  });

  test('a Message-ID counts from a feedback loop that is named, for complaints only', () => {
    const loop = { recipients: ['fbl@bounces.example.com'], isFromFeedbackSource: true };
    expect(judge(reportText('arf-redacted'), loop)).toMatchObject({
      kind: 'proven',
      event: { messageId: ours, type: 'complained' },
    });
    const bounce = reportText('exim-user-unknown').replace(/^Return-Path: .*\r\n/m, '');
    expect(judge(bounce, loop)).toMatchObject({ kind: 'unproven' });
  });

  test('a delivery status from a sender is no delivery status', () =>
    expect(judge(reportText('postfix-user-unknown'), { sender: 'x@example.org' })).toEqual({
      kind: 'ignored',
      reason: 'sender',
    }));

  test('where nobody noted the sender, the null sender is not asked for', () =>
    expect(judge(reportText('postfix-user-unknown'), { sender: undefined })).toMatchObject({
      kind: 'proven',
    }));

  test.each([
    ['a date of next year', '2027-11-18T00:00:05Z'],
    ['a date of last year', '2025-11-18T00:00:05Z'],
    ['no date at all', 'soon'],
  ])('%s is not believed', (_what, date) => {
    const text = reportText('delivered').replace(/^Date: .*$/m, `Date: ${date}`);
    expect(judge(text)).toMatchObject({ event: { occurredAt: receivedAt } });
  });
});
