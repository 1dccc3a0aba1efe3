import { createHmac, randomBytes } from 'node:crypto';
import { webhookKey } from '../installation.ts';
import type { Caller } from './caller.ts';
import type { Random } from './random.ts';
import type { Copy } from './read-copy.ts';
import type { Violations } from './violations.ts';

export type Report = 'delivered' | 'bounced' | 'complained';

export interface ProviderReports {
  /** Tells the API about a mail, again until it is told that this was taken; now and then twice. */
  send(copy: Copy, report: Report): Promise<void>;
  /** What was answered 200: the event's id, and its message. */
  readonly taken: ReadonlyMap<string, { readonly messageId: string; readonly report: Report }>;
}

/** Mailgun, as it reports by webhook (webhooks v3): signed, retried, in any order. */
export const createProviderReports = (
  caller: Caller,
  random: Random,
  violations: Violations,
): ProviderReports => {
  const taken = new Map<string, { messageId: string; report: Report }>();

  const send = async (copy: Copy, report: Report): Promise<void> => {
    const id = randomBytes(12).toString('base64url');
    const question = {
      method: 'POST',
      path: '/v1/mailgun/webhook',
      json: payload(copy, report, id),
    } as const;
    const times = random.chance(0.15) ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      const heard = await caller.ask(question);
      if (heard === undefined) return;
      if (heard.status !== 200) return violations.add('unexpected_answer', `webhook: ${heard.status}`);
      taken.set(id, { messageId: copy.messageId, report });
    }
  };
  return { send, taken };
};

const payload = (copy: Copy, report: Report, id: string): unknown => {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const token = randomBytes(25).toString('hex');
  const signature = createHmac('sha256', webhookKey)
    .update(timestamp + token)
    .digest('hex');
  return {
    signature: { timestamp, token, signature },
    'event-data': {
      ...eventOf[report],
      id,
      timestamp: Number(timestamp),
      recipient: copy.to,
      message: { headers: { 'message-id': copy.messageIdHeader.slice(1, -1) } },
      'user-variables': { mid: copy.messageId },
    },
  };
};

const eventOf = {
  delivered: { event: 'delivered' },
  bounced: { event: 'failed', severity: 'permanent', reason: 'bounce' },
  complained: { event: 'complained' },
} as const satisfies Record<Report, object>;
