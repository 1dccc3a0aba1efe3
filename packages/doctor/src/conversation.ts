import { once } from 'node:events';
import { hostname } from 'node:os';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket, type ConnectionOptions } from 'node:tls';

export interface Reply {
  readonly code: number;
  /** Texts of its lines, without code and separator. */
  readonly lines: readonly string[];
}

/** A conversation in lines with an SMTP server (RFC 5321, 4.2). Every wait ends when the signal aborts. */
export interface Conversation {
  /** Waits for a reply; rejects with ConversationEnded when none comes or what comes is none. */
  readonly reply: () => Promise<Reply>;
  /** Says a line and waits for the reply to it. */
  readonly say: (line: string) => Promise<Reply>;
  /** Goes on over TLS on the same connection (RFC 3207). */
  readonly encrypt: (options: ConnectionOptions) => Promise<TLSSocket>;
  /** Takes the leave that manners ask for, and closes. */
  readonly close: () => void;
}

export class ConversationEnded extends Error {}

/** What a server says in one reply at most; more is no SMTP. */
const replySizeMax = 64 * 1024;
const replyLinesMax = 200;

/** Connects and waits until the connection stands. Rejects with the system's error. */
export const openTcp = async (host: string, port: number, signal: AbortSignal): Promise<Socket> => {
  const socket = connectTcp({ host, port });
  return settled(socket, 'connect', signal);
};

/** Certificates are not judged here: the report is about them. Old protocols are let in for the same reason. */
export const lenientTls = {
  rejectUnauthorized: false,
  minVersion: 'TLSv1',
  ciphers: 'DEFAULT@SECLEVEL=0',
} as const;

export const openTls = async (options: ConnectionOptions, signal: AbortSignal): Promise<TLSSocket> =>
  settled(connectTls(options), 'secureConnect', signal);

const settled = async <S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> => {
  // Until somebody reads, an error would end the process.
  socket.on('error', () => {});
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
};

export const converse = (opened: Socket, signal: AbortSignal): Conversation => {
  let socket = opened;
  let received = '';
  let wake: (() => void) | undefined;
  let ended: string | undefined;

  const onData = (chunk: Buffer): void => {
    received += chunk.toString('latin1');
    if (received.length > replySizeMax) end('it says too much');
    wake?.();
  };
  const end = (reason: string): void => {
    ended ??= reason;
    socket.destroy();
    wake?.();
  };
  const onError = (error: Error): void => end(codeOf(error));
  const onClose = (): void => end('it closed the connection');
  const listen = (): void => {
    socket.on('data', onData).on('error', onError).on('close', onClose);
    // It may have gone before anybody listened.
    if (socket.destroyed) onClose();
  };
  const onAbort = (): void => end('no answer in time');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  listen();

  const readLine = async (): Promise<string> => {
    for (;;) {
      const at = received.indexOf('\n');
      if (at !== -1) {
        const line = received.slice(0, at).replace(/\r$/, '');
        received = received.slice(at + 1);
        return line;
      }
      if (ended !== undefined) throw new ConversationEnded(ended);
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  };

  const reply = async (): Promise<Reply> => {
    const lines: string[] = [];
    for (;;) {
      const line = await readLine();
      const match = /^(\d{3})([ -]?)(.*)$/.exec(line);
      if (match === null) throw new ConversationEnded('what it says is no SMTP');
      lines.push(match[3] ?? '');
      if (lines.length > replyLinesMax) throw new ConversationEnded('it says too much');
      if (match[2] !== '-') return { code: Number(match[1]), lines };
    }
  };

  return {
    reply,
    say: (line) => {
      socket.write(`${line}\r\n`);
      return reply();
    },
    encrypt: async (options) => {
      socket.removeListener('data', onData).removeListener('error', onError).removeListener('close', onClose);
      // What came in clear after the go-ahead could be anybody's (CVE-2011-0411 and its kin).
      received = '';
      const plain = socket;
      try {
        const secured = await openTls({ ...options, socket: plain }, signal);
        socket = secured;
        listen();
        return secured;
      } catch (error) {
        plain.destroy();
        throw error;
      }
    },
    close: () => {
      signal.removeEventListener('abort', onAbort);
      if (ended !== undefined) return;
      // Nobody waits for the answer to QUIT.
      socket.write('QUIT\r\n');
      socket.destroySoon();
    },
  };
};

/** What the worker's SMTP client says too: the name of this machine, or an address where it has no full one (RFC 5321, 4.1.4). */
export const ehlo = (): string =>
  `EHLO ${/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(hostname()) ? hostname() : '[127.0.0.1]'}`;

/** Node's code of an error, or its words; what an operator can look up. */
export const codeOf = (error: unknown): string => {
  if (error instanceof ConversationEnded) return error.message;
  if (!(error instanceof Error)) return 'unknown fault';
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'no answer in time';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
};
