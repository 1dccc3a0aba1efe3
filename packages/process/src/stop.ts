import type { Logger } from './logger.ts';

/** Work in hand may take `timeoutSeconds`; this much later the process ends whatever still hangs. */
const graceMs = 5000;

/**
 * Ends the process on SIGTERM or SIGINT: `stop` once, then exit 0. A second signal, or a `stop` that
 * outlasts its time, exits at once with 1. Faults that nobody caught are logged and end it the same way.
 */
export const stopOnSignal = (log: Logger, timeoutSeconds: number, stop: () => Promise<void>): void => {
  let stopping = false;
  const begin = (reason: string, exitCode: number): void => {
    if (stopping) {
      log.warn({ reason }, 'process.killed');
      process.exit(1);
    }
    stopping = true;
    log.info({ reason, timeoutSeconds }, 'process.stopping');
    const late = setTimeout(
      () => {
        log.error({ reason }, 'process.stop_timed_out');
        process.exit(1);
      },
      timeoutSeconds * 1000 + graceMs - 500,
    );
    stop().then(
      () => {
        clearTimeout(late);
        log.info({ reason }, 'process.stopped');
        process.exit(exitCode);
      },
      (error: unknown) => {
        log.error({ err: error, reason }, 'process.stop_failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => begin('SIGTERM', 0));
  process.on('SIGINT', () => begin('SIGINT', 0));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'process.uncaught_exception');
    begin('uncaughtException', 1);
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'process.unhandled_rejection');
    begin('unhandledRejection', 1);
  });
};
