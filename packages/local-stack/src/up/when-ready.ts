import { setTimeout as delay } from 'node:timers/promises';
import { StackError } from '../stack-error.ts';

const READY_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 2000;

const answersReady = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      redirect: 'manual',
    });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
};

/** The address to ask when a service listens on `host`: a wildcard is reached through the loopback. */
export const readyUrl = (host: string | undefined, port: number): string => {
  const reachable =
    host === undefined || ['', '0.0.0.0', '::', '[::]', 'localhost'].includes(host) ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}/readyz`;
};

/** Asks until the answer is 200. Throws StackError `not_ready`, or the signal's reason. */
export const whenReady = async (
  name: string,
  url: string,
  logFile: string,
  signal: AbortSignal,
): Promise<void> => {
  const deadlineAt = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadlineAt) {
    signal.throwIfAborted();
    if (await answersReady(url)) return;
    await delay(40, undefined, { signal });
  }
  throw new StackError(
    'not_ready',
    `The ${name} was not ready within ${READY_TIMEOUT_MS / 1000} s: ${logFile} says why.`,
  );
};
