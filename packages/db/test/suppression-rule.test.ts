import {
  hardBounceDays,
  isEndedByProof,
  isInForce,
  passesSuppression,
  suppress,
  type Suppression,
} from '@reconfirm/core/suppression';
import { expect, test } from 'vitest';
import { storeDeliveryEvent } from '../src/delivery-events.ts';
import { recordMessages } from '../src/records.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { liftSuppression } from '../src/suppressions.ts';
import { openTestDatabase } from './support/database.ts';
import { begin, claim, confirm, recordOf, send, tokenHashOf } from './support/delivery.ts';
import { report } from './support/reports.ts';
import { accept, createAccount, hashOf, newId } from './support/rows.ts';
import { lastsDays, letDaysPass, suppressionOf } from './support/suppressions.ts';

const db = await openTestDatabase(4);

/** Mulberry32: the same numbers in every run, so that a failure can be looked at. */
const randomOf = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

const dayMs = 86_400_000;
const twoHours = 2 / 24;
const days = hardBounceDays(14);
const steps = [
  'bounce',
  'bounce',
  'complaint',
  'late bounce',
  'lift',
  'proof',
  'proof of what a captcha let through',
  'wait',
  'wait',
] as const;

/** The rule on its own: what it makes of the same things happening at its own days. */
const createModel = () => {
  let record: Suppression | null = null;
  let today = 0;
  const now = (): Date => new Date(today * dayMs);
  const tell = (cause: 'hard_bounce' | 'complaint', handedOverAt: Date): void => {
    record = suppress(record, cause, { handedOverAt, now: now(), days }) ?? record;
  };
  return {
    /** Things of one day come one after the other. */
    later: (by: number): void => {
      today += by;
    },
    tell,
    now,
    lift: (): void => {
      if (record !== null && isInForce(record, now()))
        record = { ...record, liftedAt: now(), liftedBy: 'operator' };
    },
    prove: (passedCaptcha: boolean): void => {
      if (record !== null && record.liftedAt === null && isEndedByProof(record, { passedCaptcha }))
        record = { ...record, liftedAt: now(), liftedBy: 'proof' };
    },
    passes: (passedCaptcha: boolean): boolean =>
      record === null || passesSuppression(record, { passedCaptcha }, now()),
    state: () =>
      record === null
        ? null
        : {
            reason: record.reason,
            lasts: lastsDays(record),
            isInForce: isInForce(record, now()),
            times: record.times,
            complaints: record.complaints,
            liftedBy: record.liftedBy,
          },
  };
};

test(
  'the statement makes of any story what the rule of the core makes of it',
  { timeout: 120_000 },
  async () => {
    let changes = 0;
    for (let seed = 1; seed <= 25; seed += 1) {
      const random = randomOf(seed);
      const account = await createAccount(db, 'pending');
      const model = createModel();
      const early = await send(db, account);
      const earlyAt = model.now();
      const story: string[] = [];
      for (let count = 0; count < 12; count += 1) {
        const step = steps[random(steps.length)] ?? 'wait';
        const waited = step === 'wait' ? ([1, 13, 20, 60][random(4)] ?? 1) : twoHours;
        story.push(step === 'wait' ? `wait ${waited} days` : step);
        model.later(waited);
        await letDaysPass(db, account.email, waited);
        const before = JSON.stringify(model.state());
        if (step === 'bounce' || step === 'complaint') {
          const id = await send(db, account);
          model.tell(step === 'bounce' ? 'hard_bounce' : 'complaint', model.now());
          const type = step === 'bounce' ? 'bounced' : 'complained';
          await storeDeliveryEvent(db, report(type, id, { bounce: 'hard' }), days);
        } else if (step === 'late bounce') {
          model.tell('hard_bounce', earlyAt);
          await storeDeliveryEvent(db, report('bounced', early, { bounce: 'hard' }), days);
        } else if (step === 'lift') {
          model.lift();
          const found = await suppressionOf(db, account.email);
          const word = { who: 'test', why: 'story' };
          if (found !== undefined)
            await liftSuppression(db, { organizationId: defaultOrganizationId, id: found.id }, word);
        } else if (step.startsWith('proof')) {
          const passedCaptcha = step !== 'proof';
          // A subject of its own: once a day is another rule.
          const asked = { passedCaptcha, subjectKey: hashOf(newId()) };
          const claimed = await claim(db, await accept(db, account.email, asked));
          expect([...story, claimed.isSuppressed]).toEqual([...story, !model.passes(passedCaptcha)]);
          await begin(db, claimed, account.id);
          await recordMessages(db, [recordOf(claimed)]);
          model.prove(passedCaptcha);
          expect((await confirm(db, tokenHashOf(claimed.id))).state).toBe('live');
        }
        if (JSON.stringify(model.state()) !== before) changes += 1;
        const found = await suppressionOf(db, account.email);
        const state =
          found === undefined
            ? null
            : {
                reason: found.reason,
                lasts: lastsDays(found),
                isInForce: found.isInForce,
                times: found.times,
                complaints: found.complaints,
                liftedBy: found.liftedBy,
              };
        expect({ seed, story, state }).toEqual({ seed, story, state: model.state() });
      }
    }
    expect(changes, 'the stories do something').toBeGreaterThan(60);
  },
);
