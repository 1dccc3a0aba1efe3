import { describe, expect, test } from 'vitest';
import { createLane, type Lane, type LaneChange, type LanePass } from '../src/lane.ts';

const openLane = (
  unreachableMax?: number,
): { lane: Lane; clock: { nowMs: number }; changes: LaneChange[] } => {
  const clock = { nowMs: 1000 };
  const changes: LaneChange[] = [];
  const lane = createLane({
    nowMs: () => clock.nowMs,
    chance: () => 0.5,
    unreachableMax,
    onChange: (change) => changes.push(change),
  });
  return { lane, clock, changes };
};

/** A pass of a lane that must give one. */
const enter = (lane: Lane): LanePass => {
  const pass = lane.enter();
  if (pass === null) throw new Error('the lane is closed');
  return pass;
};

const isOpen = (lane: Lane): boolean => lane.enter() !== null;

test('an open lane lets everything through and reports no problem', () => {
  const { lane } = openLane();
  expect([isOpen(lane), isOpen(lane), isOpen(lane)]).toEqual([true, true, true]);
  expect(lane.problem()).toBeNull();
});

test('after a refusal nothing goes before the rest is over', () => {
  const { lane, clock, changes } = openLane();
  enter(lane).refused('auth');
  expect(lane.problem()).toEqual({ kind: 'refuses_us', failure: 'auth' });
  expect(changes).toEqual([{ open: false, kind: 'refuses_us', failure: 'auth', restSeconds: 5 }]);
  clock.nowMs += 4999;
  expect(isOpen(lane)).toBe(false);
  clock.nowMs += 1;
  expect(isOpen(lane)).toBe(true);
});

test('after the rest one message goes ahead, and the others follow when it got through', () => {
  const { lane, clock, changes } = openLane();
  enter(lane).refused('tls');
  clock.nowMs += 5000;
  const probe = enter(lane);
  expect([isOpen(lane), isOpen(lane)]).toEqual([false, false]);
  probe.worked();
  expect([isOpen(lane), isOpen(lane)]).toEqual([true, true]);
  expect(changes.at(-1)).toEqual({ open: true });
});

test('a probe that ended without a word about our set-up makes room for another probe', () => {
  const { lane, clock } = openLane();
  enter(lane).refused('tls');
  clock.nowMs += 5000;
  enter(lane).leave();
  expect([isOpen(lane), isOpen(lane)]).toEqual([true, false]);
});

test('messages of before the closing that leave while a probe is under way make room for no second one', () => {
  const { lane, clock } = openLane();
  const earlier = Array.from({ length: 5 }, () => enter(lane));
  enter(lane).refused('auth');
  clock.nowMs += 5000;
  const probe = enter(lane);
  for (const pass of earlier) {
    pass.leave();
    expect(isOpen(lane)).toBe(false);
  }
  probe.leave();
  expect(isOpen(lane)).toBe(true);
});

test('a probe that left makes no room for a third one while the second is under way', () => {
  const { lane, clock } = openLane();
  enter(lane).refused('auth');
  clock.nowMs += 5000;
  const first = enter(lane);
  first.leave();
  enter(lane);
  first.leave();
  expect(isOpen(lane)).toBe(false);
});

test('the rest grows with every refused probe, and starts anew once something got through', () => {
  const { lane, clock, changes } = openLane();
  for (let probe = 0; probe < 5; probe += 1) {
    const pass = enter(lane);
    pass.refused('auth');
    pass.leave();
    clock.nowMs += 300_000;
  }
  enter(lane).worked();
  enter(lane).refused('auth');
  expect(changes.map((change) => change.restSeconds)).toEqual([5, 15, 60, 300, 300, undefined, 5]);
});

test('a refusal says how long the rest still is, also to a message that was under way before', () => {
  const { lane, clock } = openLane();
  const [first, second] = [enter(lane), enter(lane)];
  expect(first.refused('auth')).toBe(5);
  clock.nowMs += 2000;
  expect(second.refused('auth')).toBe(3);
});

test('refusals of messages that were under way together close the lane once', () => {
  const { lane, changes } = openLane();
  for (const pass of Array.from({ length: 10 }, () => enter(lane))) {
    pass.refused('auth');
    pass.leave();
  }
  expect(changes).toHaveLength(1);
});

describe('where another provider stands in', () => {
  test('three messages in a row that find nobody there close the lane, and one that gets through begins anew', () => {
    const { lane, clock, changes } = openLane(3);
    for (const word of ['no', 'no', 'yes', 'no', 'no'] as const) {
      const pass = enter(lane);
      if (word === 'yes') pass.worked();
      else pass.unreachable('connect');
      pass.leave();
    }
    expect(lane.problem()).toBeNull();
    enter(lane).unreachable('timeout');
    expect(lane.problem()).toEqual({ kind: 'unreachable', failure: 'timeout' });
    expect(lane.enter()).toBeNull();
    clock.nowMs += 5000;
    enter(lane).worked();
    expect(changes).toEqual([
      { open: false, kind: 'unreachable', failure: 'timeout', restSeconds: 5 },
      { open: true },
    ]);
  });

  test('a probe that finds nobody there closes the lane for longer', () => {
    const { lane, clock, changes } = openLane(3);
    enter(lane).refused('auth');
    clock.nowMs += 5000;
    const probe = enter(lane);
    probe.unreachable('connect');
    probe.leave();
    expect(lane.enter()).toBeNull();
    expect(changes.at(-1)).toEqual({ open: false, kind: 'unreachable', failure: 'connect', restSeconds: 15 });
  });
});

test('without another provider nobody being there never closes the lane', () => {
  const { lane, clock } = openLane();
  for (let time = 0; time < 100; time += 1) enter(lane).unreachable('connect');
  expect(lane.problem()).toBeNull();
  enter(lane).refused('auth');
  clock.nowMs += 5000;
  const probe = enter(lane);
  probe.unreachable('connect');
  probe.leave();
  expect(isOpen(lane), 'the next probe goes at once').toBe(true);
});
