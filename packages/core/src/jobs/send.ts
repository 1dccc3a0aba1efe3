import type { Channel } from '../destination.ts';

/**
 * The queues, one for each channel so that neither waits for the other, and the one job in them. BullMQ
 * forbids `:` in queue names and custom ids.
 */
export const queueNames = { email: 'mail', sms: 'sms' } as const satisfies Record<Channel, string>;
export const sendJobName = 'send';

/**
 * The id is all a job carries. It names the attempt, so that a lost bell can be rung again while a
 * kept or running job of an earlier attempt cannot swallow it.
 */
export const sendJobId = (messageId: string, attempt: number): string => `${messageId}-${attempt}`;

/** The message id of a job id, or undefined when it is not one of ours. */
export const messageIdOfJob = (jobId: string): string | undefined =>
  /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d+$/.exec(jobId)?.[1];
