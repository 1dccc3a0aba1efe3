import { describe, expect, test } from 'vitest';
import {
  type InvitationFacts,
  invitationState,
  inviterName,
  listedInvitationState,
} from '../src/invitation.ts';

const waiting: InvitationFacts = {
  isAccepted: false,
  isRevoked: false,
  messageStatus: 'sent',
  isExpired: false,
};

describe('how an invitation stands', () => {
  test.each([
    ['PENDING', {}],
    ['PENDING', { messageStatus: 'queued', isExpired: null }],
    ['PENDING', { messageStatus: 'bounced' }],
    ['PENDING', { messageStatus: 'skipped', isExpired: null }],
    // Its lifetime begins anew when the next attempt hands it over.
    ['PENDING', { messageStatus: 'deferred', isExpired: true }],
    ['EXPIRED', { isExpired: true }],
    ['EXPIRED', { messageStatus: 'delivered', isExpired: true }],
    // Retention has forgotten the message, and the token with it.
    ['EXPIRED', { messageStatus: null, isExpired: null }],
    ['REVOKED', { isRevoked: true }],
    ['REVOKED', { isRevoked: true, isExpired: true, messageStatus: null }],
    ['ACCEPTED', { isAccepted: true }],
    ['ACCEPTED', { isAccepted: true, isRevoked: true, isExpired: true, messageStatus: null }],
  ] as const)('is %s for %j', (state, facts) =>
    expect(invitationState({ ...waiting, ...facts })).toBe(state),
  );
});

describe('how an invitation stands in a list', () => {
  test.each([
    ['PENDING', {}],
    ['PENDING', { messageStatus: 'deferred', isExpired: true }],
    ['DELIVERED', { messageStatus: 'delivered' }],
    ['DELIVERED', { messageStatus: 'complained' }],
    ['BOUNCED', { messageStatus: 'bounced' }],
    ['BOUNCED', { messageStatus: 'gave_up', isExpired: null }],
    ['BOUNCED', { messageStatus: 'bounced', isExpired: true }],
    ['EXPIRED', { messageStatus: 'delivered', isExpired: true }],
    ['EXPIRED', { messageStatus: null, isExpired: null }],
    ['REVOKED', { isRevoked: true, messageStatus: 'bounced' }],
    ['ACCEPTED', { isAccepted: true, isRevoked: true, messageStatus: 'bounced' }],
  ] as const)('is %s for %j', (state, facts) =>
    expect(listedInvitationState({ ...waiting, ...facts })).toBe(state),
  );
});

test('who invited is told in one word', () => {
  expect(inviterName({ kind: 'operator' })).toBe('operator');
  expect(inviterName({ kind: 'account', id: '1' })).toBe('account:1');
  expect(inviterName({ kind: 'key', id: '2' })).toBe('key:2');
});
