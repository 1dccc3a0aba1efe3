import { expect, test } from 'vitest';
import type { LanePass } from '../src/lane.ts';
import { createSenderLanes, type SenderLanes } from '../src/sender-lanes.ts';

const openLanes = () => {
  const clock = { nowMs: 1000 };
  const changes: string[] = [];
  const lanes = createSenderLanes({
    nowMs: () => clock.nowMs,
    chance: () => 0.5,
    onChange: (organizationId, { open }) => changes.push(`${organizationId} ${open ? 'open' : 'rests'}`),
  });
  return { lanes, clock, changes };
};

const enter = (lanes: SenderLanes, organizationId: string, sender: string): LanePass => {
  const pass = lanes.enter(organizationId, sender);
  if (pass === null) throw new Error(`${organizationId} rests`);
  return pass;
};

test('a refused sender rests alone, and after the rest one message goes ahead', () => {
  const { lanes, clock, changes } = openLanes();
  enter(lanes, 'acme', 'a@acme.example').refused('sender_refused');
  expect(lanes.enter('acme', 'a@acme.example')).toBeNull();
  expect(lanes.enter('globex', 'a@globex.example')).not.toBeNull();
  expect(lanes.refused()).toEqual([{ organizationId: 'acme', failure: 'sender_refused' }]);
  expect(lanes.restSeconds('acme')).toBe(5);
  clock.nowMs += 5000;
  const probe = enter(lanes, 'acme', 'a@acme.example');
  expect(lanes.enter('acme', 'a@acme.example')).toBeNull();
  expect(lanes.restSeconds('acme'), 'nobody asks in a circle while a probe is under way').toBe(1);
  probe.worked();
  probe.leave();
  expect(lanes.refused()).toEqual([]);
  expect(changes).toEqual(['acme rests', 'acme open']);
});

test('another sender of the organization is tried at once', () => {
  const { lanes } = openLanes();
  enter(lanes, 'acme', 'a@acme.example').refused('sender_refused');
  expect(lanes.enter('acme', 'b@acme.example')).not.toBeNull();
  expect(lanes.refused()).toEqual([]);
});
