import assert from 'node:assert/strict';
import {
  answerToRequest,
  askedBy,
  isNewest,
  mayGuess,
  type Model,
  newAsked,
  type Report,
  reports,
  stateOfToken,
  use,
} from './model.ts';
import type { Fault } from './stepped-worker.ts';
import { mailgunReport, type Serving, type System } from './system.ts';

/** What can happen, as plain values: a sequence that failed is printed as it can be put among the known ones. */
export type Step =
  | readonly ['request', person: number]
  | readonly ['confirm', person: number, which: 'newest' | 'older' | 'garbage']
  | readonly ['type_code', person: number, which: 'right' | 'wrong']
  | readonly ['report', pick: number, says: Report | 'deferred', how: 'new' | 'again' | 'forged']
  | readonly ['advance', seconds: number]
  | readonly ['work', pick: number, serving: Serving, fault: Fault]
  | readonly ['wake']
  | readonly ['sweep']
  | readonly ['empty_redis']
  | readonly ['end_lease', pick: number];

/** The installation under test with what it has to be like. */
export interface World {
  readonly model: Model;
  readonly system: System;
  readonly emails: readonly string[];
  /** The last report that was sent, to be sent again. */
  lastReport: object | null;
  /** How many mails of the inbox have been looked at. */
  mailsRead: number;
  /** How far each message had come when it was looked at last. */
  readonly ranks: Map<string, number>;
  /** How often what happened: a run in which nothing much did would show nothing. */
  readonly tally: Tally;
}

export type Tally = Map<string, number>;

export const count = (tally: Tally, what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);

const withoutChange = async (world: World, act: () => Promise<void>): Promise<void> => {
  const before = await world.system.rows();
  await act();
  assert.deepEqual(await world.system.rows(), before, 'nothing was to change');
};

const request = async (world: World, who: number): Promise<void> => {
  const { model, system } = world;
  const email = world.emails[who];
  const expected = answerToRequest(model, who);
  const ask = async (): Promise<void> => {
    const { status } = await system.post('/v1/resend-verification', { email });
    assert.equal(status, expected, `the answer to a request of person ${who}`);
  };
  count(world.tally, `request ${expected}`);
  if (expected !== 200) return withoutChange(world, ask);
  await ask();
  await takeNewRow(world, who);
};

/** An accepted request is a row before it is answered. */
export const takeNewRow = async ({ model, system }: World, who: number): Promise<void> => {
  const rows = await system.rows();
  assert.equal(rows.length, model.asked.length + 1, 'one row for each accepted request');
  const id = rows.at(-1)?.id ?? '';
  model.asked.push(newAsked(model, id, who));
  await system.hear([id]);
};

const confirm = async (world: World, who: number, which: 'newest' | 'older' | 'garbage'): Promise<void> => {
  const { model, system } = world;
  if (which === 'garbage')
    return withoutChange(world, async () => {
      const { status } = await system.post('/v1/verify-email', { token: 'f'.repeat(64) });
      assert.equal(status, 400);
    });
  const mailed = askedBy(model, who).filter(
    (asked) => asked.token !== null && isNewest(model, asked) === (which === 'newest'),
  );
  const asked = mailed.at(-1);
  if (asked === undefined) return;
  const state = stateOfToken(model, asked);
  count(world.tally, `link ${state}`);
  const answer = await system.post('/v1/verify-email', { token: asked.token });
  const expected =
    state === 'live' || state === 'consumed'
      ? { status: 200, reason: null }
      : { status: 400, reason: `TOKEN_${state.toUpperCase()}` };
  assert.deepEqual(answer, expected, `the ${which} token of person ${who} is ${state}`);
  if (state === 'live') use(model, asked);
};

const typeCode = async (world: World, who: number, which: 'right' | 'wrong'): Promise<void> => {
  const { model, system } = world;
  const email = world.emails[who];
  const known = askedBy(model, who).flatMap(({ code }) => code ?? []);
  if (which === 'wrong') {
    const wrong = ['000001', '000002', '000003', '000004', '000005'].find((code) => !known.includes(code));
    const expected = mayGuess(model, who, true) ? 400 : 429;
    count(world.tally, `wrong code ${expected}`);
    return withoutChange(world, async () => {
      const { status } = await system.post('/v1/verify', { email, code: wrong });
      assert.equal(status, expected, `a wrong code of person ${who}`);
    });
  }
  const asked = askedBy(model, who).findLast(({ code }) => code !== null);
  if (asked === undefined) return;
  const state = stateOfToken(model, asked, 'code');
  // A dead code is told from a wrong one; whether it costs a guess is no promise.
  if (state !== 'live' && state !== 'consumed') return;
  const { status } = await system.post('/v1/verify', { email, code: asked.code });
  const expected = mayGuess(model, who, false) ? 200 : 429;
  count(world.tally, `right code ${expected}`);
  assert.equal(status, expected, `the right code of person ${who} is ${state}`);
  if (expected === 200 && state === 'live') use(model, asked);
};

const mailgunWords = {
  accepted: { event: 'accepted' },
  delivered: { event: 'delivered' },
  deferred: { event: 'failed', severity: 'temporary', reason: 'generic' },
  bounced: { event: 'failed', severity: 'permanent', reason: 'bounce' },
  complained: { event: 'complained' },
} as const;

const report = async (
  world: World,
  which: number,
  says: Report | 'deferred',
  how: 'new' | 'again' | 'forged',
): Promise<void> => {
  const { model, system } = world;
  const asked = model.asked[which % model.asked.length];
  if (asked === undefined) return;
  const tell = async (body: object, status: number): Promise<void> => {
    assert.equal((await system.post('/v1/mailgun/webhook', body)).status, status, `a report that is ${how}`);
  };
  const event = {
    ...mailgunWords[says],
    message: { headers: { 'message-id': `${asked.id}@mail.example.com` } },
    'user-variables': { mid: asked.id },
  };
  count(world.tally, `report ${how}`);
  if (how === 'forged') return withoutChange(world, () => tell(mailgunReport(event, 'a guess'), 401));
  if (how === 'again') {
    const { lastReport } = world;
    if (lastReport !== null) await withoutChange(world, () => tell(lastReport, 200));
    return;
  }
  world.lastReport = mailgunReport(event);
  await tell(world.lastReport, 200);
  if (says === 'deferred') return;
  asked.reported = Math.max(asked.reported, reports[says]);
  asked.isSent = true;
  if (says === 'bounced' || says === 'complained') model.spoilt.add(asked.person);
};

const work = async (world: World, which: number, serving: Serving, fault: Fault): Promise<void> => {
  await world.system.work(which, serving, fault);
  takeWhatWasDone(world, { serving, fault });
};

/** What deliveries have left behind since the last look: lifetimes that have begun, and mails. */
export const takeWhatWasDone = (
  world: World,
  { serving, fault }: { readonly serving: Serving; readonly fault: Fault } = {
    serving: 'takes',
    fault: 'none',
  },
): void => {
  const { model, system, emails } = world;
  for (const { what, messageId } of system.takeTraces()) {
    const asked = model.asked.find(({ id }) => id === messageId);
    assert(asked !== undefined, 'only what was asked for is worked on');
    if (what === 'claimed' && fault !== 'none') {
      asked.mishaps += 1;
      count(world.tally, `worker ${fault}`);
    }
    if (what === 'begun') {
      assert(isNewest(model, asked), 'what is superseded is not mailed');
      assert(!model.verified.has(asked.person), 'who is verified gets no other mail');
      asked.livesFrom = model.now;
      if (serving === 'refuses') {
        asked.refused = true;
        model.spoilt.add(asked.person);
      }
    }
    if (what === 'recorded_sent') {
      if (!asked.isSent) asked.livesFrom = model.now;
      asked.isSent = true;
    }
  }
  for (const mail of system.mails.slice(world.mailsRead)) {
    count(world.tally, 'mail');
    const asked = model.asked.find(({ id }) => mail.email.messageId?.includes(id) === true);
    assert(asked !== undefined, 'each mail is of a request');
    assert.deepEqual(mail.recipients, [emails[asked.person]], 'each mail goes to who asked');
    const text = mail.email.text ?? '';
    const token = /[?&]token=([0-9a-f]{64})/.exec(text)?.[1];
    const code = /\b(\d{6})\b/.exec(text)?.[1];
    assert(token !== undefined && code !== undefined, 'each mail carries a link and a code');
    assert.deepEqual([asked.token ?? token, asked.code ?? code], [token, code], 'each copy carries the same');
    if (asked.copies > 0) count(world.tally, 'second copy');
    Object.assign(asked, { token, code, copies: asked.copies + 1 });
  }
  world.mailsRead = system.mails.length;
};

export const perform = async (world: World, next: Step): Promise<void> => {
  const { system, model } = world;
  switch (next[0]) {
    case 'request':
      return request(world, next[1]);
    case 'confirm':
      return confirm(world, next[1], next[2]);
    case 'type_code':
      return typeCode(world, next[1], next[2]);
    case 'report':
      return report(world, next[1], next[2], next[3]);
    case 'work':
      return work(world, next[1], next[2], next[3]);
    case 'advance':
      await system.advance(next[1]);
      model.now += next[1];
      return;
    case 'wake':
      await system.wake();
      return takeWhatWasDone(world);
    case 'sweep':
      return system.sweep();
    case 'empty_redis':
      return system.emptyRedis();
    case 'end_lease': {
      const held = model.asked[next[1] % model.asked.length];
      if (held !== undefined) await system.endLease(held.id);
    }
  }
};
