import { expect, test } from 'vitest';
import { toldPath } from '../src/told-path.ts';

test.each([
  ['/v1/verify-email?token=abc', '/v1/verify-email'],
  [
    '/v1/admin/messages/01a21540-7206-7a01-8094-e6cf95192875',
    '/v1/admin/messages/01a21540-7206-7a01-8094-e6cf95192875',
  ],
  [`/v1/verify-email/${'0123456789abcdef'.repeat(4)}`, '/v1/verify-email/removed'],
  [`/v1/sessions/rt_${'aB3_-'.repeat(8)}xyz/end`, '/v1/sessions/removed/end'],
  ['/v1/tenants/ada@example.org/events', '/v1/tenants/removed/events'],
  ['/v1/tenants/ada%40example.org', '/v1/tenants/removed'],
])('of %s an error repeats %s', (url, told) => {
  expect(toldPath(url)).toBe(told);
});
