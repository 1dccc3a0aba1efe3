import { expect, test } from 'vitest';
import { emailFailureOf } from '../src/email-failure.ts';
import { type MessageStatus, messageRanks } from '../src/message.ts';

const endings: readonly MessageStatus[] = ['gave_up', 'undelivered', 'bounced'];

test.each(Object.keys(messageRanks) as MessageStatus[])('a message that is %s', (status) => {
  const failure = emailFailureOf({ status, reason: 'timeout', lastFailure: 'timeout' });
  expect(failure).toBe(endings.includes(status) ? 'EMAIL_SEND_FAILURE' : null);
});

test.each([
  ['EMAIL_SEND_FAILURE', 'gave_up', 'lost_too_often', null],
  ['EMAIL_SEND_FAILURE', 'gave_up', 'too_late', 'greylisted'],
  ['EMAIL_SEND_FAILURE', 'gave_up', 'too_late', null],
  ['EMAIL_SEND_FAILURE', 'bounced', null, null],
  ['EMAIL_AUTHENTICATION_FAILURE', 'gave_up', 'too_late', 'auth'],
  ['EMAIL_AUTHENTICATION_FAILURE', 'bounced', 'auth', 'auth'],
  ['EMAIL_TEMPLATE_FAILURE', 'gave_up', 'not_composed', null],
] as const)('%s is a mail that %s for %s after %s', (failure, status, reason, lastFailure) =>
  expect(emailFailureOf({ status, reason, lastFailure })).toBe(failure),
);
