import { emailChange } from './email-change.ts';
import { emailChanged } from './email-changed.ts';
import { invitation } from './invitation.ts';
import { magiclink } from './magiclink.ts';
import { phoneChange } from './phone-change.ts';
import { priorities, type Priority, type Purpose } from './purpose.ts';
import { recovery } from './recovery.ts';
import { relayedSms } from './relayed-sms.ts';
import { relayed } from './relayed.ts';
import { signup } from './signup.ts';
import { sms } from './sms.ts';
import { testMessage, testSms } from './test-message.ts';

/** Every purpose that can be asked for. Adding one: a file beside `signup.ts`, a line here, a template. */
export const purposes = {
  signup,
  invitation,
  recovery,
  magiclink,
  email_change: emailChange,
  email_changed: emailChanged,
  phone_change: phoneChange,
  sms,
  relayed,
  relayed_sms: relayedSms,
  test: testMessage,
  test_sms: testSms,
} as const satisfies Record<string, Purpose>;

export type PurposeName = keyof typeof purposes;

export const purposeNames = Object.keys(purposes) as readonly PurposeName[];

/** The purpose, or undefined for a row that a newer version of the service wrote. */
export const findPurpose = (name: string): Purpose | undefined =>
  Object.hasOwn(purposes, name) ? purposes[name as PurposeName] : undefined;

/** How urgent a message is; the middle for a purpose that this version does not know. */
export const priorityOf = (purposeName: string): Priority =>
  findPurpose(purposeName)?.priority ?? priorities.soon;
