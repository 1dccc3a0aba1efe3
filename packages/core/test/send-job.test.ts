import { expect, test } from 'vitest';
import { messageIdOfJob, messageIdsOfJob, queueNames, sendJobId, sendJobName } from '../src/jobs/send.ts';

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

const other = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d02';

test('a job of several messages names all of them, its own first', () =>
  expect(messageIdsOfJob(sendJobId(id, 0), { also: [other] })).toEqual([id, other]));

test.each([undefined, null, '{}', {}, { also: 'all' }, { also: [1, null, 'x', `${other} `, {}] }])(
  'a job whose data is %j is for its own message',
  (data) => expect(messageIdsOfJob(sendJobId(id, 0), data)).toEqual([id]),
);

test('no name holds a colon, which BullMQ refuses', () =>
  expect([...Object.values(queueNames), sendJobName, sendJobId(id, 1)].join('')).not.toContain(':'));
