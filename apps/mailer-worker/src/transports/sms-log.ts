import { smsSegments } from '@reconfirm/core/sms-segments';
import type { WriteLine } from './log.ts';
import type { SmsTransport } from './transport.ts';

/** Accepts every SMS at once and writes a line instead; the line holds no number, no text and no code. */
export const createSmsLogTransport = (write: WriteLine): SmsTransport => ({
  name: 'log',
  send: async (sms) => {
    write({ messageId: sms.messageId, ...smsSegments(sms.text) });
    return { kind: 'accepted', reply: 'logged, not sent' };
  },
  close: async () => {},
});
