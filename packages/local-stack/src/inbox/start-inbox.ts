import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StackError, systemErrorCode } from '../stack-error.ts';
import { createHttpHandler } from './http-handler.ts';
import { loadMessage, loadSummaries } from './json-api.ts';
import { openMessageStore, type MessageFilter } from './message-store.ts';
import type { MessageSummary, ReadMessage } from './read-message.ts';
import type { ReportTarget } from './simulated-reports.ts';
import { startSmtp } from './start-smtp.ts';

export type InboxOptions = {
  /** 0 or none for any free port. */
  smtpPort?: number;
  httpPort?: number;
  /** Takes any free port in place of one that is in use. */
  orAnyPort?: boolean;
  /** Keeps the mails across restarts; without one they are gone with `stop`. */
  dir?: string;
  /** The oldest mails beyond this count are deleted. Default 1,000. */
  capacity?: number;
  /** Where the reports of simulated recipients go; without it these recipients are refused. */
  reportTo?: ReportTarget | undefined;
};

export type RunningInbox = {
  readonly smtpPort: number;
  readonly httpPort: number;
  readonly smtpUrl: string;
  readonly httpUrl: string;
  /** In order of arrival. */
  messages(filter?: MessageFilter): Promise<MessageSummary[]>;
  message(id: string): Promise<ReadMessage | undefined>;
  /** The earliest message that passes the filter, waiting for it up to `timeoutMs` (default 10,000). */
  next(filter: MessageFilter & { timeoutMs?: number }): Promise<ReadMessage | undefined>;
  clear(): void;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Starts the inbox on 127.0.0.1. Throws StackError `port_busy`. */
export const startInbox = async (options: InboxOptions = {}): Promise<RunningInbox> => {
  // Disposed of in reverse order: when a step fails, and as a whole by `stop`.
  await using opened = new AsyncDisposableStack();
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'reconfirm-inbox-'));
  if (options.dir === undefined) opened.defer(() => rmSync(dir, { recursive: true, force: true }));
  const store = openMessageStore(dir, options.capacity ?? 1000);
  const orAnyPort = options.orAnyPort ?? false;
  const smtp = await onPort(
    (port) => startSmtp(store, port, options.reportTo),
    options.smtpPort ?? 0,
    orAnyPort,
  );
  opened.defer(smtp.stop);
  const closing = new AbortController();
  const http = createServer(createHttpHandler(store, closing.signal));
  const httpPort = await onPort((port) => listen(http, port), options.httpPort ?? 0, orAnyPort);
  opened.defer(() => close(http));
  opened.defer(() => closing.abort());
  const running = opened.move();
  const stop = (): Promise<void> => running.disposeAsync();
  return {
    smtpPort: smtp.port,
    httpPort,
    smtpUrl: `smtp://127.0.0.1:${smtp.port}`,
    httpUrl: `http://localhost:${httpPort}`,
    messages: (filter = {}) => loadSummaries(store, filter),
    message: (id) => loadMessage(store, id),
    next: async ({ timeoutMs = 10_000, ...filter }) => {
      const stored = await store.next(
        filter,
        AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]),
      );
      return stored === undefined ? undefined : loadMessage(store, stored.id);
    },
    clear: store.clear,
    stop,
    [Symbol.asyncDispose]: stop,
  };
};

const listen = async (server: Server, port: number): Promise<number> => {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The HTTP server has no port');
  return address.port;
};

const close = async (server: Server): Promise<void> => {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
};

const onPort = async <Result>(
  start: (port: number) => Promise<Result>,
  port: number,
  orAnyPort: boolean,
): Promise<Result> => {
  try {
    return await start(port);
  } catch (cause) {
    if (systemErrorCode(cause) !== 'EADDRINUSE') throw cause;
    if (orAnyPort) return start(0);
    throw new StackError('port_busy', `Port ${port} is in use: name another one for the inbox.`, { cause });
  }
};
