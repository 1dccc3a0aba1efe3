import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface QuotingSmtp extends AsyncDisposable {
  readonly url: string;
  /** What its refusals said. */
  readonly replies: readonly string[];
}

/**
 * A server that refuses every mail once it has it, and says in its reply all that a reply should not: the
 * recipient, the links and the codes. Recipients with `later` in them are put off (451), others refused for good (554).
 */
export const startQuotingSmtp = async (): Promise<QuotingSmtp> => {
  const sockets = new Set<Socket>();
  const replies: string[] = [];
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    let [text, recipient, isInMail] = ['', '', false];
    const answer = (line: string): void => {
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'RCPT') recipient = /<(.*)>/.exec(line)?.[1] ?? '';
      if (verb === 'DATA') isInMail = true;
      if (verb === 'EHLO') socket.write('250-quoting\r\n250 8BITMIME\r\n');
      else if (verb === 'QUIT') socket.end('221 bye\r\n');
      else socket.write(verb === 'DATA' ? '354 go on\r\n' : '250 ok\r\n');
    };
    const refuse = (mail: string): void => {
      isInMail = false;
      const code = recipient.includes('later') ? '451 4.7.1' : '554 5.7.1';
      const reply = `${code} Refused for ${recipient}: ${quotesOf(mail).join(' ')}`;
      replies.push(reply);
      socket.write(`${reply}\r\n`);
    };
    socket.setEncoding('latin1').on('error', () => undefined);
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (;;) {
        const mark = isInMail ? '\r\n.\r\n' : '\r\n';
        const end = text.indexOf(mark);
        if (end === -1) return;
        const said = text.slice(0, end);
        text = text.slice(end + mark.length);
        if (isInMail) refuse(said);
        else answer(said);
      }
    });
    socket.write('220 quoting\r\n');
  };
  const server = createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    replies,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

/** The first link with a token and the digits that stand alone, as a person reads the mail. */
const quotesOf = (mail: string): readonly string[] => {
  const decoded = mail
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const link = /https?:\/\/\S+token=[0-9a-f]{64}/.exec(decoded)?.[0] ?? '';
  const code = /^\s*(\d{6})\s*$/m.exec(decoded)?.[1] ?? '';
  return [link, `code ${code}`, `token ${/token=([0-9a-f]{64})/.exec(link)?.[1] ?? ''}`];
};
