import type { Channel } from '../destination.ts';
import { isUuid } from '../message-id.ts';

/**
 * The queues, one for each channel so that neither waits for the other, and the one job in them. BullMQ
 * forbids `:` in queue names and custom ids.
 */
export const queueNames = { email: 'mail', sms: 'sms' } as const satisfies Record<Channel, string>;
export const sendJobName = 'send';

/**
 * Messages of one job at most. A job costs Redis and its producer about 20 us each (BullMQ 6.7), a
 * message more in it next to nothing; but one worker takes all of a job.
 */
export const messagesOfJobMax = 32;

/** All that a job carries besides its id: ids of further messages that became due together with its own. */
export interface SendJobData {
  readonly also?: readonly string[];
}

/**
 * The id is all a job of one message carries. It names the attempt, so that a lost bell can be rung again while a
 * kept or running job of an earlier attempt cannot swallow it.
 */
export const sendJobId = (messageId: string, attempt: number): string => `${messageId}-${attempt}`;

/** The message id of a job id, or undefined when it is not one of ours. */
export const messageIdOfJob = (jobId: string): string | undefined =>
  /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d+$/.exec(jobId)?.[1];

/** All messages of a job, its own first. What is not a message id is left out: those rows are found by the sweep. */
export const messageIdsOfJob = (jobId: string, data: unknown): readonly string[] => {
  const own = messageIdOfJob(jobId);
  const also = typeof data === 'object' && data !== null && 'also' in data ? data.also : undefined;
  const others = Array.isArray(also) ? also : [];
  return [own, ...others].filter((id: unknown) => typeof id === 'string' && isUuid(id));
};
