import { createHash, createHmac } from 'node:crypto';
import { Secret } from '@reconfirm/core/secret';

/** 256 random bits: what a first token is, and what makes a token's successor. */
export const refreshTokenSizeBytes = 32;

const pattern = /^rt_([A-Za-z0-9_-]{43})$/;

export const refreshTokenOf = (bits: Uint8Array): Secret =>
  new Secret(`rt_${Buffer.from(bits).toString('base64url')}`);

/** What is stored of a token; undefined for a text that is none. */
export const hashRefreshToken = (text: string): Buffer | undefined =>
  pattern.test(text) ? createHash('sha256').update(text).digest() : undefined;

/**
 * The token after this one. The nonce is drawn when a token is used and kept with its hash, so that whoever
 * shows the same token again within the grace is given the same successor, and neither the row nor the used
 * token alone is enough to make it.
 */
export const successorOf = (token: string, nonce: Uint8Array): Secret =>
  refreshTokenOf(createHmac('sha256', token).update('successor').update(nonce).digest());
