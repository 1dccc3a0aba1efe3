import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { Secret } from './secret.ts';

/** Header by which a server says for whom it asks: `t=<unix seconds>,a=<address>,v1=<hex>`. */
export const clientAddressHeader = 'reconfirm-client-address';

export type ClientAddressJudgement =
  | { readonly valid: true; readonly address: string }
  /** `unexpected`: no key is configured, so nobody's word counts. */
  | { readonly valid: false; readonly why: 'unexpected' | 'malformed' | 'stale' | 'mismatch' };

/** Shorter ones could be guessed from one header that was seen. */
const keySizeMin = 32;

/** Reads the keys that sign, with commas between while one replaces another. */
export const parseClientAddressKeys = (text: string): readonly Secret[] | { readonly problem: string } => {
  const keys = text.split(',').map((key) => key.trim());
  return keys.every((key) => key.length >= keySizeMin && !/\s/.test(key))
    ? keys.map((key) => new Secret(key))
    : {
        problem: `must hold keys of at least ${keySizeMin} characters without white space, with commas between`,
      };
};

/**
 * Whose address a server vouches for. The signature is HMAC-SHA256 over `<t>.<a>`, as the header has them, under
 * any of the keys (their text in UTF-8). The time may be off by `maxAgeSeconds` either way: within it a header
 * may be sent again, for it names whose budget is charged and lets nobody in.
 */
export const judgeClientAddress = (
  header: string,
  keys: readonly Secret[],
  maxAgeSeconds: number,
  nowMs: number,
): ClientAddressJudgement => {
  if (keys.length === 0) return { valid: false, why: 'unexpected' };
  const [, seconds = '', address = '', signature = ''] =
    /^t=(\d{1,12}),a=([0-9A-Fa-f.:]{2,45}),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  if (isIP(address) === 0) return { valid: false, why: 'malformed' };
  const given = Buffer.from(signature, 'hex');
  const isSigned = keys.some((key) => timingSafeEqual(given, signatureOf(key, seconds, address)));
  if (!isSigned) return { valid: false, why: 'mismatch' };
  return Math.abs(nowMs / 1000 - Number(seconds)) > maxAgeSeconds
    ? { valid: false, why: 'stale' }
    : { valid: true, address };
};

const signatureOf = (key: Secret, seconds: string, address: string): Buffer =>
  createHmac('sha256', key.reveal()).update(`${seconds}.${address}`).digest();
