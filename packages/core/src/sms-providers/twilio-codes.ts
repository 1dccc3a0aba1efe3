import type { SmsFailureKindAndCode } from './provider.ts';

/**
 * Twilio's error codes ("Error and Warning Dictionary" at twilio.com/docs/api/errors), as far as they say more
 * than the status beside them. The country code 21408 is a setting of the account, yet only messages to that
 * country fail for it: closing the lane would stop all others.
 */
export const twilioCodes: ReadonlyMap<string, SmsFailureKindAndCode> = new Map<string, SmsFailureKindAndCode>(
  [
    ['20003', { kind: 'misconfigured', code: 'auth' }],
    ['20005', { kind: 'misconfigured', code: 'auth' }],
    ['20404', { kind: 'misconfigured', code: 'settings' }],
    ['20429', { kind: 'transient', code: 'throttled' }],
    ['14107', { kind: 'transient', code: 'throttled' }],
    ['21211', { kind: 'permanent', code: 'number_invalid' }],
    ['21212', { kind: 'misconfigured', code: 'sender_refused' }],
    ['21408', { kind: 'permanent', code: 'country_not_permitted' }],
    ['21603', { kind: 'misconfigured', code: 'sender_refused' }],
    ['21606', { kind: 'misconfigured', code: 'sender_refused' }],
    ['21610', { kind: 'permanent', code: 'opted_out' }],
    ['21611', { kind: 'transient', code: 'throttled' }],
    ['21612', { kind: 'permanent', code: 'route_missing' }],
    ['21614', { kind: 'permanent', code: 'number_not_mobile' }],
    ['21617', { kind: 'permanent', code: 'message_refused' }],
    ['21659', { kind: 'misconfigured', code: 'sender_refused' }],
    ['21660', { kind: 'misconfigured', code: 'sender_refused' }],
    ['21703', { kind: 'misconfigured', code: 'sender_refused' }],
    ['30001', { kind: 'transient', code: 'throttled' }],
    ['30002', { kind: 'misconfigured', code: 'auth' }],
    ['30003', { kind: 'permanent', code: 'number_unreachable' }],
    ['30004', { kind: 'permanent', code: 'filtered' }],
    ['30005', { kind: 'permanent', code: 'number_unknown' }],
    ['30006', { kind: 'permanent', code: 'number_not_mobile' }],
    ['30007', { kind: 'permanent', code: 'filtered' }],
    ['30008', { kind: 'permanent', code: 'unknown' }],
    ['30034', { kind: 'misconfigured', code: 'sender_refused' }],
    ['63038', { kind: 'misconfigured', code: 'quota' }],
    ['90010', { kind: 'misconfigured', code: 'quota' }],
  ],
);
