import type { Purpose } from './purpose.ts';
import { relayed } from './relayed.ts';

/**
 * A message that an operator sends to see whether mail arrives. It takes the path of every other one and looks
 * like the one it stands for, but its link and code were never made: nothing that is shown with them is opened.
 */
export const testMessage: Purpose = { ...relayed, name: 'test' };

/** The same by SMS. */
export const testSms: Purpose = { ...testMessage, name: 'test_sms', channel: 'sms', sendWithinSeconds: 600 };
