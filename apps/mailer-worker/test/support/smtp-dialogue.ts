import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** A client that says exactly what a test wants, command by command. */
export interface SmtpDialogue extends AsyncDisposable {
  readonly greeting: string;
  /** Says a line and resolves with the last line of the reply. */
  say(line: string): Promise<string>;
  /** Sends without waiting. */
  send(text: string): void;
  /** The next reply that comes unasked, or `closed`. */
  next(): Promise<string>;
}

/** Connects and reads the greeting. */
export const openSmtpDialogue = async (port: number | undefined): Promise<SmtpDialogue> => {
  const socket = connect(port ?? 0, '127.0.0.1');
  socket.on('error', () => {});
  const replies = createInterface({ input: socket })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    for (;;) {
      const line = await replies.next();
      if (line.done === true) return 'closed';
      // Lines of a reply but the last have a hyphen after the code.
      if (!/^\d{3}-/.test(line.value)) return line.value;
    }
  };
  const greeting = await next();
  return {
    greeting,
    say: (line) => {
      socket.write(`${line}\r\n`);
      return next();
    },
    send: (text) => void socket.write(text),
    next,
    [Symbol.asyncDispose]: async () => {
      if (socket.closed) return;
      socket.destroy();
      await once(socket, 'close');
    },
  };
};
