import { expect, test } from 'vitest';
import { deliveryStateOf, deliveryStates, unconfirmedAfterSeconds } from '../src/delivery-state.ts';
import { messageRanks, type MessageStatus, publicStatus } from '../src/message.ts';

const sentAt = new Date('2026-11-18T00:00:00Z');
const after = (seconds: number): Date => new Date(sentAt.getTime() + seconds * 1000);
const stateOf = (status: MessageStatus, seconds: number, provider = 'mailgun') =>
  deliveryStateOf({ status, channel: 'email', provider, sentAt }, after(seconds));

test('a hand-over without a report is SENT for a day, then UNCONFIRMED, and at no time DELIVERED', () => {
  expect(stateOf('sent', 0)).toBe('SENT');
  expect(stateOf('sent', unconfirmedAfterSeconds)).toBe('SENT');
  expect(stateOf('sent', unconfirmedAfterSeconds + 1)).toBe('UNCONFIRMED');
  expect(stateOf('sent', 400 * 86_400)).toBe('UNCONFIRMED');
});

test('where the provider reports no deliveries, SENT is the last word', () => {
  for (const provider of ['smtp', 'log', 'a provider of a newer version'])
    expect(stateOf('sent', 400 * 86_400, provider)).toBe('SENT');
  const sms = (provider: string) =>
    deliveryStateOf({ status: 'sent', channel: 'sms', provider, sentAt }, after(400 * 86_400));
  expect(sms('twilio')).toBe('UNCONFIRMED');
  expect(sms('log')).toBe('SENT');
});

test('no other status is moved by the time, and none contradicts the word of the contracts', () => {
  for (const status of Object.keys(messageRanks) as MessageStatus[]) {
    const [early, late] = [stateOf(status, 0), stateOf(status, 400 * 86_400)];
    expect(deliveryStates).toContain(late);
    if (status !== 'sent') expect(late).toBe(early);
    const shown = publicStatus(status);
    if (shown === null) expect(['QUEUED', 'NOT_SENT']).toContain(early);
    else expect(early).toBe(shown);
  }
});
