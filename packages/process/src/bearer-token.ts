import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '@reconfirm/core/secret';

/** The credential of `Authorization: Bearer <credential>` (RFC 6750, 2.1), at most 8 KiB; undefined for anything else. */
export const bearerToken = (authorization: string | undefined): string | undefined =>
  /^Bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(authorization ?? '')?.[1];

/** Compares in time that depends on neither text: both are hashed to one length first. */
export const isSameSecret = (given: string, expected: Secret): boolean => {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected.reveal()));
};
