import { describe, expect, test } from 'vitest';
import { type BounceKind, deliveryEventTypes, type DeliveryEventType } from '../src/delivery-event.ts';
import {
  advance,
  isSettled,
  messageRanks,
  type MessageStatus,
  publicStatus,
  type ReportedFacts,
  settledRank,
  statusReportedBy,
} from '../src/message.ts';

const statuses = Object.keys(messageRanks) as MessageStatus[];

/** What the sender itself may do to a message: it is not a report, but it is subject to the same ranks. */
const raise = (from: MessageStatus, to: MessageStatus): MessageStatus =>
  messageRanks[to] > messageRanks[from] ? to : from;

/** A report, by its type and, of a bounce, its kind. */
type Report = DeliveryEventType | 'bounced soft' | 'bounced hard';
type Step = Report | MessageStatus;
type Fold = (status: MessageStatus, step: Step) => MessageStatus;

const reports: readonly Report[] = [...deliveryEventTypes, 'bounced soft', 'bounced hard'];

const reportOf = (step: Step): ReportedFacts => {
  const [type, bounce] = step.split(' ') as [DeliveryEventType, BounceKind | undefined];
  return { type, bounce };
};

const forward: Fold = (status, step) => {
  if (statuses.includes(step as MessageStatus) && !reports.includes(step as Report))
    return raise(status, step as MessageStatus);
  const next = advance(status, reportOf(step));
  return next === 'ignore' ? status : next;
};

/** What many systems do; the tests below must be able to tell it from ours. */
const lastWriteWins: Fold = (status, step) => statusReportedBy(reportOf(step)) ?? status;

/** One rank for all bounces, as before ADR 13: then a soft bounce undoes a delivery, and the rule below is not met. */
const oneBounce: Fold = (status, step) => forward(status, step === 'bounced soft' ? 'bounced hard' : step);

/** mulberry32: 200,000 runs in about a second, and a failure can be repeated from its seed. */
const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const pick = <T>(items: readonly T[], random: () => number): T =>
  items[Math.floor(random() * items.length)] as T;

const shuffled = <T>(items: readonly T[], random: () => number): T[] => {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
};

/** How many of the runs end elsewhere when the same reports come in another order, some of them twice. */
const disagreements = (runs: number, seed: number, fold: Fold, steps: readonly Step[]): number => {
  const random = randomOf(seed);
  let found = 0;
  for (let run = 0; run < runs; run += 1) {
    const set = Array.from({ length: 1 + Math.floor(random() * 6) }, () => pick(steps, random));
    const again = shuffled([...set, ...set.filter(() => random() < 0.5)], random);
    if (set.reduce(fold, 'queued' as MessageStatus) !== again.reduce(fold, 'queued' as MessageStatus))
      found += 1;
  }
  return found;
};

/** How many of the runs of reports with a delivery, but neither a hard bounce nor a complaint, do not end as delivered. */
const undone = (runs: number, seed: number, fold: Fold): number => {
  const random = randomOf(seed);
  const others = reports.filter((of) => !['bounced', 'bounced hard', 'complained', 'delivered'].includes(of));
  let found = 0;
  for (let run = 0; run < runs; run += 1) {
    const set = Array.from({ length: 1 + Math.floor(random() * 5) }, () => pick(others, random));
    const steps: readonly Step[] = shuffled([...set, 'delivered' as const], random);
    if (steps.reduce(fold, 'queued' as MessageStatus) !== 'delivered') found += 1;
  }
  return found;
};

describe('the status of a message', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);

  test('200,000 times: every order and repetition of the same reports ends in the same status', () => {
    expect(disagreements(200_000, seed, forward, reports), `seed ${seed}`).toBe(0);
  });

  test('the same with what the sender records in between', () => {
    // Of two statuses of one rank the first stays, so only one of each rank takes part.
    const own: MessageStatus[] = ['sending', 'gave_up', 'skipped', 'sent'];
    expect(disagreements(50_000, seed, forward, [...reports, ...own]), `seed ${seed}`).toBe(0);
  });

  test('200,000 times: what was delivered stays so, whatever comes before and after but a hard bounce or a complaint', () => {
    expect(undone(200_000, seed, forward), `seed ${seed}`).toBe(0);
    expect(undone(2000, seed, oneBounce), 'a system with one rank for all bounces is found').toBeGreaterThan(
      200,
    );
  });

  test('the check above finds a system in which the last report wins', () => {
    expect(disagreements(2000, seed, lastWriteWins, reports)).toBeGreaterThan(200);
  });

  test('no report moves a message back in rank, from any status', () => {
    for (const status of statuses)
      for (const of of reports) {
        const next = advance(status, reportOf(of));
        expect(next === 'ignore' || messageRanks[next] > messageRanks[status]).toBe(true);
      }
  });

  test('every prefix of a history has at most the rank of the whole', () => {
    const random = randomOf(seed);
    for (let run = 0; run < 5000; run += 1) {
      let status: MessageStatus = 'queued';
      for (let i = 0; i < 8; i += 1) {
        const next = forward(status, pick(reports, random));
        expect(messageRanks[next]).toBeGreaterThanOrEqual(messageRanks[status]);
        status = next;
      }
    }
  });

  test.each([
    ['complained', 'delivered', 'ignore'],
    ['bounced', 'delivered', 'ignore'],
    ['delivered', 'bounced', 'bounced'],
    ['delivered', 'bounced hard', 'bounced'],
    ['delivered', 'bounced soft', 'ignore'],
    ['delivered', 'rejected', 'ignore'],
    ['delivered', 'failed', 'ignore'],
    ['undelivered', 'delivered', 'delivered'],
    ['undelivered', 'bounced hard', 'bounced'],
    ['undelivered', 'accepted', 'ignore'],
    ['bounced', 'bounced soft', 'ignore'],
    ['delivered', 'accepted', 'ignore'],
    ['delivered', 'deferred', 'ignore'],
    ['bounced', 'complained', 'complained'],
    ['gave_up', 'delivered', 'delivered'],
    ['skipped', 'accepted', 'sent'],
    ['queued', 'delivered', 'delivered'],
    ['sent', 'bounced soft', 'undelivered'],
    ['sent', 'rejected', 'undelivered'],
    ['sent', 'failed', 'undelivered'],
    ['sent', 'unknown', 'ignore'],
  ] as const)('%s, then a report of %s: %s', (status, of, expected) =>
    expect(advance(status, reportOf(of))).toBe(expected),
  );
});

describe('what callers see', () => {
  test.each([
    ['queued', null],
    ['sending', null],
    ['deferred', null],
    ['skipped', null],
    ['sent', 'SENT'],
    ['delivered', 'DELIVERED'],
    ['gave_up', 'FAILED'],
    ['undelivered', 'FAILED'],
    ['bounced', 'FAILED'],
    ['complained', 'COMPLAINED'],
  ] as const)('%s is %s', (status, expected) => expect(publicStatus(status)).toBe(expected));

  test('no other word than the four is ever shown', () => {
    const words = new Set(statuses.map(publicStatus));
    expect(words).toEqual(new Set([null, 'SENT', 'DELIVERED', 'FAILED', 'COMPLAINED']));
  });

  test('settled is what the worker owes nothing more for', () => {
    expect(settledRank).toBe(40);
    expect(statuses.filter((s) => !isSettled(s))).toEqual(['queued', 'sending', 'deferred']);
  });
});
