import type { Purpose } from './purpose.ts';

/** Proves the address of a new account. Confirming marks it verified and opens no session. */
export const signup: Purpose = {
  name: 'signup',
  channel: 'email',
  credential: 'link',
  // A mail that could not leave for a day helps nobody any more.
  sendWithinSeconds: 86_400,
  template: 'signup',
  ineligible: (status) => {
    switch (status) {
      case 'pending':
        return null;
      case 'active':
      case 'past_due':
        return 'already_verified';
      case 'suspended':
        return 'suspended';
    }
  },
};
