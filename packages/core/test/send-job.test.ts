import { expect, test } from 'vitest';
import { messageIdOfJob, queueNames, sendJobId, sendJobName } from '../src/jobs/send.ts';

const id = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';

test('a job is found back to its message, whatever the attempt', () => {
  for (const attempt of [0, 1, 99]) expect(messageIdOfJob(sendJobId(id, attempt))).toBe(id);
});

test('each attempt rings under a name of its own, so that a kept job swallows no later one', () =>
  expect(new Set([0, 1, 2].map((attempt) => sendJobId(id, attempt))).size).toBe(3));

test.each(['', id, `${id}-`, `${id}-x`, `${id}-1-2`, `x${id}-1`, `${id.toUpperCase()}-1`])(
  '%j is no job of ours',
  (job) => expect(messageIdOfJob(job)).toBeUndefined(),
);

test('no name holds a colon, which BullMQ refuses', () =>
  expect([...Object.values(queueNames), sendJobName, sendJobId(id, 1)].join('')).not.toContain(':'));
