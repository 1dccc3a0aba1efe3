import type { Problem } from './config/setting.ts';

/** Where a test can have an API die, and what is true at that moment. */
export const apiFailPoints = {
  'api.before_commit': 'a batch of requests is about to be written',
  'api.after_commit': 'a request is committed; its caller has no answer',
  'api.after_reply': 'its caller has the answer; nobody was rung for it',
  'api.after_ring': 'the queue has its job',
  'webhook.after_insert': 'a report is committed; its provider has no answer',
} as const;

/** The same of a worker. */
export const workerFailPoints = {
  'worker.after_claim': 'a message is claimed',
  'worker.after_attempt_row': 'its attempt is on record; the provider was not spoken to',
  'worker.after_250_before_record': 'the provider took it; nothing of that is on record',
  'worker.after_record_before_job_done': 'that is on record; the queue still has the job',
  'sweep.after_mark': 'due messages are marked as rung; nobody was rung',
} as const;

export type ApiFailPoint = keyof typeof apiFailPoints;
export type WorkerFailPoint = keyof typeof workerFailPoints;

/** The point at which a process is to die, and the how manieth passage of it, from 1. */
export interface FailPoint<Name extends string> {
  readonly name: Name;
  readonly nth: number;
}

/** Reads `name` or `name:nth`, of the points given. */
export const parseFailPoint =
  <Name extends string>(points: Readonly<Record<Name, string>>) =>
  (value: string): FailPoint<Name> | Problem => {
    const [, given, nth = '1'] = /^([a-z0-9._]+)(?::([1-9]\d{0,5}))?$/.exec(value) ?? [];
    const name = (Object.keys(points) as Name[]).find((known) => known === given);
    return name === undefined
      ? { problem: `must be one of ${Object.keys(points).join(', ')}, and may end in :<passage>` }
      : { name, nth: Number(nth) };
  };
