import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * Where a dialogue stands still. `after_mail_from`: the server has answered MAIL FROM and heard nothing
 * after it. `mid_data`: it has heard some of the mail. `after_dot`: it has taken the mail and said so; the
 * client has not heard that.
 */
export type HoldAt = 'after_mail_from' | 'mid_data' | 'after_dot';

export interface SmtpGate extends AsyncDisposable {
  /** The server's URL, by way of the gate. */
  readonly url: string;
  /** The recipients of the mails that were begun, in order. */
  recipients(): readonly string[];
  /** How many dialogues stand still. From then on neither side hears the other, and what is held back is lost. */
  heldCount(): number;
}

/** Stands between a worker and an SMTP server that both speak in clear; without `holdAt` it lets everything pass. */
export const openSmtpGate = async (targetUrl: string, holdAt?: HoldAt): Promise<SmtpGate> => {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  const recipients: string[] = [];
  let heldCount = 0;

  const pass = (client: Socket): void => {
    const server = createConnection(Number(target.port), target.hostname);
    const pair = [client, server];
    for (const socket of pair) {
      sockets.add(socket);
      // Either end may break at any time; the other follows.
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        for (const other of pair) other.destroy();
      });
    }
    let isHeld = false;
    const dialogue = createDialogue({
      toServer: (bytes) => void server.write(bytes),
      toClient: (bytes) => void client.write(bytes),
      onRecipient: (recipient) => recipients.push(recipient),
      mayPass: (moment) => {
        if (moment !== holdAt) return true;
        isHeld = true;
        heldCount += 1;
        return false;
      },
    });
    client.on('data', (chunk: Buffer) => isHeld || dialogue.clientSaid(chunk));
    server.on('data', (chunk: Buffer) => isHeld || dialogue.serverSaid(chunk));
  };

  const listener = createServer(pass);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `smtp://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    recipients: () => recipients,
    heldCount: () => heldCount,
    [Symbol.asyncDispose]: async () => {
      const closed = once(listener.close(), 'close');
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

interface DialogueOptions {
  readonly toServer: (bytes: Buffer) => void;
  readonly toClient: (bytes: Buffer) => void;
  readonly onRecipient: (recipient: string) => void;
  /** After a no nothing more is passed on. */
  readonly mayPass: (moment: HoldAt) => boolean;
}

const endOfMail = '\r\n.\r\n';

/** Follows the client's commands line by line, pipelined or not (RFC 5321, RFC 2920), and passes on what it has understood. */
const createDialogue = ({ toServer, toClient, onRecipient, mayPass }: DialogueOptions) => {
  let phase: 'commands' | 'data_asked' | 'mail' | 'mail_ended' = 'commands';
  let unread = '';
  let lastOfMail = '';

  const command = (line: string): boolean => {
    const recipient = /^RCPT TO:<([^>]*)>/i.exec(line)?.[1];
    if (recipient !== undefined) {
      onRecipient(recipient);
      if (!mayPass('after_mail_from')) return false;
    }
    if (/^DATA\r\n$/i.test(line)) phase = 'data_asked';
    toServer(Buffer.from(line, 'latin1'));
    return true;
  };

  const mail = (chunk: Buffer): void => {
    // Half of the first piece: what ends the mail is in no first half.
    toServer(chunk.subarray(0, chunk.length / 2));
    if (!mayPass('mid_data')) return;
    toServer(chunk.subarray(chunk.length / 2));
    lastOfMail = (lastOfMail + chunk.subarray(-endOfMail.length).toString('latin1')).slice(-endOfMail.length);
    if (lastOfMail === endOfMail) phase = 'mail_ended';
  };

  return {
    clientSaid: (chunk: Buffer): void => {
      if (phase === 'mail') return mail(chunk);
      unread += chunk.toString('latin1');
      for (let end = unread.indexOf('\r\n'); end !== -1; end = unread.indexOf('\r\n')) {
        const line = unread.slice(0, end + 2);
        unread = unread.slice(end + 2);
        if (!command(line)) return;
      }
    },
    serverSaid: (chunk: Buffer): void => {
      if (phase === 'data_asked' && /^354/m.test(chunk.toString('latin1'))) phase = 'mail';
      else if (phase === 'mail_ended') {
        if (!mayPass('after_dot')) return;
        phase = 'commands';
      }
      toClient(chunk);
    },
  };
};
