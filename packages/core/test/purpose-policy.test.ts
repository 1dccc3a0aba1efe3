import { describe, expect, test } from 'vitest';
import { newestOnly, parseLiveTokens } from '../src/live-tokens.ts';
import {
  parseLifetimes,
  parseLimitsByPurpose,
  parseLiveTokensByPurpose,
  parseSendWithin,
  policyOf,
} from '../src/purposes/policy.ts';
import { orderedBy, priorities } from '../src/purposes/purpose.ts';
import { priorityOf, purposeNames, purposes } from '../src/purposes/registry.ts';

const nothing = { lifetimes: new Map(), liveTokens: new Map(), sendWithin: new Map() };

describe('what holds for a purpose', () => {
  test.each(purposeNames)('%s: its own defaults, newest only, unless something else is wanted', (name) => {
    const purpose = purposes[name];
    expect(policyOf(purpose, nothing)).toEqual({
      lifetime: purpose.lifetime,
      liveTokens: newestOnly,
      sendWithinSeconds: Math.min(purpose.sendWithinSeconds, purpose.lifetime.linkSeconds),
    });
  });

  test('a code that signs somebody in lives ten minutes at most', () => {
    const signingIn = purposeNames.filter((name) => name !== 'invitation' && purposes[name].opensSession);
    expect(signingIn).toEqual(['recovery', 'magiclink', 'sms']);
    for (const name of signingIn) expect(purposes[name].lifetime.codeSeconds).toBeLessThanOrEqual(600);
  });

  test('a code never outlives the link beside it', () => {
    const lifetimes = new Map([['signup', { linkSeconds: 300, codeSeconds: 3600 }]]);
    expect(policyOf(purposes.signup, { ...nothing, lifetimes }).lifetime).toEqual({
      linkSeconds: 300,
      codeSeconds: 300,
    });
  });

  test('a message waits no longer than its link would work, unless that is said', () => {
    const lifetimes = new Map([['signup', { linkSeconds: 300, codeSeconds: 300 }]]);
    expect(policyOf(purposes.recovery, nothing).sendWithinSeconds).toBe(1800);
    expect(policyOf(purposes.invitation, nothing).sendWithinSeconds).toBe(86_400);
    expect(policyOf(purposes.signup, { ...nothing, lifetimes }).sendWithinSeconds).toBe(300);
    const sendWithin = new Map([['signup', 7200]]);
    expect(policyOf(purposes.signup, { ...nothing, lifetimes, sendWithin }).sendWithinSeconds).toBe(7200);
  });

  test('is ordered by the account only where the account itself asks', () =>
    expect(purposeNames.filter((name) => orderedBy(purposes[name]) === 'account')).toEqual([
      'email_change',
      'email_changed',
      'phone_change',
    ]));
});

describe('what goes first', () => {
  const namesOf = (priority: number) => purposeNames.filter((name) => purposes[name].priority === priority);

  test('is what somebody waits for at a screen, then what was just asked for, then invitations', () => {
    expect(namesOf(priorities.urgent)).toEqual([
      'recovery',
      'magiclink',
      'email_change',
      'phone_change',
      'sms',
      'relayed',
      'relayed_sms',
      'test',
      'test_sms',
    ]);
    expect(namesOf(priorities.soon)).toEqual(['signup', 'email_changed']);
    expect(namesOf(priorities.later)).toEqual(['invitation']);
  });

  test('is in the middle for a purpose that only a newer version knows', () =>
    expect(priorityOf('of_tomorrow')).toBe(priorities.soon));
});

describe('settings', () => {
  test('lifetimes are read for link and code, or for both at once', () =>
    expect(parseLifetimes('recovery=1800/600, invitation=604800')).toEqual(
      new Map([
        ['recovery', { linkSeconds: 1800, codeSeconds: 600 }],
        ['invitation', { linkSeconds: 604_800, codeSeconds: 604_800 }],
      ]),
    ));

  test.each(['recover=1800', 'recovery', 'recovery=1h', 'recovery=59', 'recovery=2592001', 'recovery=600/1'])(
    '%j is refused as a lifetime, with a sentence',
    (text) => expect(parseLifetimes(text)).toEqual({ problem: expect.stringMatching(/must/) }),
  );

  test('limits are read by purpose, with the channel that they count', () =>
    expect(parseLimitsByPurpose('recovery=1/120,5/86400; sms=off')).toEqual(
      new Map([
        [
          'recovery',
          {
            channel: 'email',
            limits: [
              { max: 1, windowSeconds: 120 },
              { max: 5, windowSeconds: 86_400 },
            ],
          },
        ],
        ['sms', { channel: 'sms', limits: [] }],
      ]),
    ));

  test.each([
    'recovery=often',
    'recover=1/60',
    'recovery',
    'invitation=1/60',
    'relayed=1/60',
    'recovery=1/60,magiclink=1/60',
  ])('%j is refused as limits by purpose', (text) =>
    expect(parseLimitsByPurpose(text)).toHaveProperty('problem'),
  );

  test('the time to send is read by purpose', () =>
    expect(parseSendWithin('recovery=900, invitation=172800')).toEqual(
      new Map([
        ['recovery', 900],
        ['invitation', 172_800],
      ]),
    ));

  test.each(['recover=900', 'recovery', 'recovery=1h', 'recovery=59', 'recovery=2592001', 'recovery=900/60'])(
    '%j is refused as a time to send, with a sentence',
    (text) => expect(parseSendWithin(text)).toEqual({ problem: expect.stringMatching(/must/) }),
  );

  test('live tokens are read by purpose', () =>
    expect(parseLiveTokensByPurpose('magiclink=newest-3,recovery=until-handed-over')).toEqual(
      new Map([
        ['magiclink', { newest: 3, supersededWhen: 'accepted' }],
        ['recovery', { newest: 1, supersededWhen: 'handed_over' }],
      ]),
    ));

  test.each(['newest-4', 'newest-0', 'all', ''])('%j is refused as a policy', (text) =>
    expect(parseLiveTokens(text)).toHaveProperty('problem'),
  );
});
