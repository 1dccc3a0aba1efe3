import type { Destination } from '@reconfirm/core/destination';

/** ITU-T E.164, 6: at most 15 digits with the country code; the shortest in use have 7. */
const e164 = /^[1-9]\d{6,14}$/;

/** A number in E.164, as GoTrue reads it: spaces fall away, and the plus may be missing. */
export const readPhoneNumber = (text: string): Destination | undefined => {
  const digits = text.replace(/\s/g, '').replace(/^\+/, '');
  if (!e164.test(digits)) return undefined;
  const address = `+${digits}`;
  return { channel: 'sms', address, lookupForm: address, limitForm: address };
};
