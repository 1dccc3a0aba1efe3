import type { Channel } from './destination.ts';
import type { RelayedContent } from './sealed-content.ts';

/** What a test message can look like. Of a number there is one text. */
export const testedPurposes = {
  email: ['signup', 'recovery', 'magiclink', 'invitation', 'email_change'],
  sms: ['sms', 'phone_change'],
} as const satisfies Record<Channel, readonly string[]>;

export type TestedPurpose = (typeof testedPurposes)[Channel][number];

/** The purpose as one that a test message of this channel can stand for; the channel's first unless named. */
export const testedPurposeOf = (channel: Channel, name: string | undefined): TestedPurpose | undefined =>
  name === undefined ? testedPurposes[channel][0] : testedPurposes[channel].find((known) => known === name);

/** A code that says what it is. No code of ours is stored for it, so it is one wrong guess like any other. */
export const testCode = '000000';

/**
 * What a test message says: what a message of the purpose would, with a link and a code that were made up and
 * are stored nowhere, so that showing them opens nothing. `links` are finished URLs.
 */
export const testContent = (
  to: { readonly channel: Channel; readonly address: string },
  purpose: TestedPurpose,
  links: { readonly link: string; readonly notMeLink: string },
  lifetimeSeconds: number,
): RelayedContent => ({
  kind: 'relayed',
  to: to.address,
  // An SMS has one text, whatever the template.
  template: purpose === 'sms' || purpose === 'phone_change' ? 'signup' : purpose,
  code: testCode,
  name: null,
  lifetimeSeconds,
  ...(to.channel === 'sms' ? { link: null } : links),
});
