import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How slowly bytes go, in each direction. */
export interface Slowness {
  /** How much later each piece arrives. */
  readonly latencyMs?: number;
  /** Up to this much later still, each piece differently; none overtakes another. */
  readonly jitterMs?: number;
  /** Of one connection; more waits at the speaker, as behind a narrow line. */
  readonly bytesPerSecond?: number;
}

export interface Line {
  /** Asked for each piece, so that it may change while a connection is open. */
  slowness(): Slowness;
  /** From 0 to 1, for the jitter. */
  random(): number;
}

/** What the speaker may have under way before it has to wait. */
const UNDERWAY_BYTES_MAX = 256 * 1024;
/** With a bound on bytes a second: how often some of them go. */
const PIECES_PER_SECOND = 20;

/**
 * Carries what one socket says, and its end, to `arrive` in order and as slowly as the line is. It resolves
 * `arrive` before the next piece goes, so a reader that is behind makes the speaker wait.
 */
export const carry = (
  from: Socket,
  line: Line,
  arrive: (bytes: Buffer | 'end') => Promise<void> | void,
): void => {
  let last = Promise.resolve();
  let underwayBytes = 0;

  const sendAfter = async (before: Promise<void>, bytes: Buffer | 'end'): Promise<void> => {
    const { latencyMs = 0, jitterMs = 0, bytesPerSecond } = line.slowness();
    const dueAtMs = performance.now() + latencyMs + jitterMs * line.random();
    await before;
    await untilMs(dueAtMs);
    if (bytes === 'end' || bytesPerSecond === undefined) return arrive(bytes);
    const pieceBytes = Math.max(1, Math.floor(bytesPerSecond / PIECES_PER_SECOND));
    for (let at = 0; at < bytes.length && !from.destroyed; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      await untilMs(performance.now() + (piece.length * 1000) / bytesPerSecond);
      await arrive(piece);
    }
  };
  const sendBytes = async (before: Promise<void>, bytes: Buffer): Promise<void> => {
    underwayBytes += bytes.length;
    if (underwayBytes > UNDERWAY_BYTES_MAX) from.pause();
    await sendAfter(before, bytes);
    underwayBytes -= bytes.length;
    if (underwayBytes <= UNDERWAY_BYTES_MAX) from.resume();
  };

  from.on('data', (bytes: Buffer) => {
    last = sendBytes(last, bytes);
  });
  from.once('end', () => {
    last = sendAfter(last, 'end');
  });
};

const untilMs = async (dueAtMs: number): Promise<void> => {
  const waitMs = dueAtMs - performance.now();
  if (waitMs > 0) await delay(waitMs, undefined, { ref: false });
};

/** Writes, and resolves when the socket takes more, or never will. */
export const write = async (to: Socket, bytes: Buffer): Promise<void> => {
  if (to.destroyed || to.writableEnded || to.write(bytes)) return;
  const done = new AbortController();
  const listening = ['drain', 'close'].map((event) => once(to, event, { signal: done.signal }));
  await Promise.race(listening).catch(() => undefined);
  done.abort();
  await Promise.allSettled(listening);
};
