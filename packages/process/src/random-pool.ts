import { randomBytes } from 'node:crypto';

const poolSizeBytes = 8192;
let pool = Buffer.alloc(0);
let used = 0;

/** Random bytes (at most 64) cut from a pool: one call of the generator for hundreds of them. */
export const drawRandom = (sizeBytes: number): Uint8Array => {
  if (used + sizeBytes > pool.length) {
    pool = randomBytes(poolSizeBytes);
    used = 0;
  }
  used += sizeBytes;
  return pool.subarray(used - sizeBytes, used);
};
