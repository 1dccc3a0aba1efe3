import type { PageStrings } from '../page-strings.ts';

export const en: PageStrings = {
  address: 'Address',
  live: {
    signup: {
      heading: 'Confirm your email address',
      body: 'Press the button to confirm that this address is yours and that you signed up for {brand} with it.',
      button: 'Confirm this address',
    },
    magiclink: {
      heading: 'Sign in to {brand}',
      body: 'Press the button to sign in. You need no password.',
      button: 'Sign in',
    },
    email_change: {
      heading: 'Confirm your new address',
      body: 'Press the button to confirm that this address is yours and becomes the address of your account at {brand}.',
      button: 'Confirm the new address',
    },
    email_change_current: {
      heading: 'Do you want to change your address?',
      body: 'Press the button to agree that your account at {brand} moves to a new address.',
      button: 'Confirm the change',
    },
  },
  liveNext: 'If this was not you, close this page. Nothing happens until you press the button.',
  states: {
    consumed: {
      heading: 'Already confirmed',
      body: 'This link was used before, and what it was for is confirmed. There is nothing left to do.',
      next: 'Return to the window where you started, or sign in.',
    },
    expired: {
      heading: 'This link has expired',
      body: 'Links work for a limited time, and the time of this one is over.',
      next: 'Go back to the page where you asked for the mail, and ask for a new one there. Its link will work.',
    },
    superseded: {
      heading: 'A newer mail was sent',
      body: 'You asked for another mail after this one, and only the newest link works.',
      next: 'Look for the newest mail from {brand} and use the link in that one. If it has not arrived within a few minutes, look in your spam folder.',
    },
    locked: {
      heading: 'Too many wrong codes',
      body: 'A wrong code was entered too often. For your protection, neither the code nor the link of this mail works any more.',
      next: 'Go back to the page where you asked for the mail, and ask for a new one there.',
    },
    suspended: {
      heading: 'This account is suspended',
      body: 'Nothing can be confirmed while the account is suspended, and a new mail would not change that.',
      next: 'Please contact the support of {brand}.',
    },
    unknown: {
      heading: 'This link does not work',
      body: 'We do not know this link. It may be very old, or it may have been changed on its way to you.',
      next: 'Open the link in the newest mail from {brand} once more. If it still does not work, ask for a new mail where you asked for this one.',
    },
  },
  resend: {
    button: 'Send a new mail',
    next: 'Press the button, and a new mail goes to the same address. You need not type it again.',
  },
  resent: {
    heading: 'A new mail is on its way',
    body: 'If something is still to be confirmed, the mail arrives within a few minutes.',
    next: 'Use the newest mail from {brand}. If it does not come, look in your spam folder.',
  },
  confirmed: {
    heading: 'Your address is confirmed',
    body: 'Thank you. {brand} now knows that this address is yours.',
    next: 'You can close this page and return to your first window, on this device or on another.',
  },
  firstWindow: {
    heading: 'Return to your first window',
    body: 'Your confirmation has arrived. Go on in the window where you started, on this device or on another.',
    next: 'You can close this page. Nothing more happens here.',
  },
  problems: {
    malformed: {
      heading: 'This link is not complete',
      body: 'Part of the link is missing or was changed. Some mail programs cut long links in two.',
      next: 'Open the mail from {brand} again and copy the whole link into the address bar of your browser.',
    },
    unavailable: {
      heading: 'Please try again in a moment',
      body: 'We cannot look up this link right now. The link itself is not used up.',
      next: 'Wait a minute and open the link in your mail again.',
    },
  },
  code: {
    heading: 'Enter your code',
    body: 'It is in the newest message from {brand}.',
    label: 'Code',
    button: 'Confirm',
    next: 'No message yet? It can take a few minutes. Look in your spam folder too.',
    nextSms: 'No message yet? It can take a few minutes.',
    resend: 'Send a new code',
    wrong: 'This code is not right.',
    malformed: 'A code has only digits. Please enter all of them.',
    triesLeft: '{count, plural, one {You have # try left.} other {You have # tries left.}}',
  },
  notMe: {
    heading: 'Was this not you?',
    body: 'Press the button to tell {brand} that you did not ask for the mail. Its link and its code then stop working.',
    button: 'This was not me',
    next: 'If it was you, close this page. Nothing changes then.',
  },
  disowned: {
    heading: 'Thank you for telling us',
    body: 'The link and the code of that mail no longer work, and {brand} knows that it was not you.',
    next: 'There is nothing left to do. You can close this page.',
  },
  password: {
    invitation: {
      heading: 'Accept the invitation',
      body: 'Choose a password for your account at {brand}.',
      button: 'Accept the invitation',
    },
    recovery: {
      heading: 'Choose a new password',
      body: 'It takes the place of your old password at {brand}.',
      button: 'Save the new password',
    },
    label: 'New password',
    hint: '{min, plural, one {At least # character.} other {At least # characters.}}',
    tooShort: 'This password is too short.',
    tooCommon: 'This password is too easy to guess. Please choose another one.',
    next: 'Several words in a row make a good password. Use it nowhere else.',
  },
  passwordSet: {
    heading: 'Your password is saved',
    body: 'You can use it to sign in to {brand} from now on.',
    next: 'You can close this page and return to the window where you started.',
  },
};
