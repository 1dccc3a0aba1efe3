import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type MailboxServer, mailboxPassword, mailboxUser } from './mailbox-server.ts';

interface StoredMail {
  readonly uid: number;
  readonly raw: Buffer;
  seen: boolean;
}

export interface SmallImapOptions {
  /** PEM: TLS from the first byte. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** 127.0.0.1 unless given. */
  readonly host?: string;
  /** Commands, as `UID STORE`, that are answered NO. */
  readonly refused?: readonly string[];
}

/** As much of IMAP4rev1 (RFC 3501) as a client needs that reads a folder, with IDLE, UIDPLUS and MOVE. */
export const startSmallImapServer = async (
  options: SmallImapOptions = {},
): Promise<MailboxServer & { readonly commands: readonly string[] }> => {
  const heard: string[] = [];
  const folders = new Map<string, StoredMail[]>([['INBOX', []]]);
  const idling = new Set<() => void>();
  const sockets = new Set<Socket>();
  let uidNext = 1;

  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    const write = (...lines: readonly string[]): void => void socket.write(`${lines.join('\r\n')}\r\n`);
    let selected: StoredMail[] = [];
    let idleTag: string | undefined;
    let told = 0;
    /** A server tells of what came in the meantime as well, with the next command (RFC 3501, 7.3.1). */
    const tellOfNews = (): void => {
      if (selected.length > told) write(`* ${selected.length} EXISTS`);
      told = selected.length;
    };
    socket.on('close', () => idling.delete(tellOfNews));

    /** Mails of a set of UIDs like `1,3:5`. */
    const mailsOf = (set: string): readonly StoredMail[] =>
      selected.filter(({ uid }) =>
        set.split(',').some((range) => {
          const [from = '', to = from] = range.split(':');
          return uid >= Number(from) && (to === '*' || uid <= Number(to));
        }),
      );
    const sendMail = (mail: StoredMail, query: string): void => {
      const [, from = '0', count = '999999'] = /<(\d+)\.(\d+)>/.exec(query) ?? [];
      const body = mail.raw.subarray(Number(from), Number(from) + Number(count));
      const flags = mail.seen ? '\\Seen' : '';
      socket.write(
        `* ${selected.indexOf(mail) + 1} FETCH (UID ${mail.uid} FLAGS (${flags}) BODY[]<${from}> {${body.length}}\r\n`,
      );
      socket.write(Buffer.concat([body, Buffer.from(')\r\n')]));
    };
    const move = (mail: StoredMail, folder: string): void => {
      write(`* ${selected.indexOf(mail) + 1} EXPUNGE`);
      selected.splice(selected.indexOf(mail), 1);
      told -= 1;
      folders.get(folder)?.push(mail);
    };

    const commands: Readonly<Record<string, (args: string) => string>> = {
      CAPABILITY: () => (write('* CAPABILITY IMAP4rev1 IDLE UIDPLUS MOVE'), 'OK done'),
      LOGIN: (args) =>
        args.replaceAll('"', '') === `${mailboxUser} ${mailboxPassword}`
          ? 'OK in'
          : 'NO [AUTHENTICATIONFAILED] no',
      NAMESPACE: () => (write('* NAMESPACE (("" "/")) NIL NIL'), 'OK done'),
      LIST: (args) => {
        if (args === '"" ""') write('* LIST (\\Noselect) "/" ""');
        else for (const name of folders.keys()) write(`* LIST () "/" ${name}`);
        return 'OK done';
      },
      LSUB: () => 'OK done',
      CREATE: (args) => {
        const name = args.replaceAll('"', '');
        if (folders.has(name)) return 'NO [ALREADYEXISTS] it is there';
        folders.set(name, []);
        return 'OK done';
      },
      SUBSCRIBE: () => 'OK done',
      SELECT: (args) => {
        selected = folders.get(args.replaceAll('"', '')) ?? [];
        told = selected.length;
        write('* FLAGS (\\Seen)', '* OK [PERMANENTFLAGS (\\Seen)] x', `* ${selected.length} EXISTS`);
        write('* OK [UIDVALIDITY 1] x', `* OK [UIDNEXT ${uidNext}] x`);
        return 'OK [READ-WRITE] done';
      },
      'UID SEARCH': (args) => {
        const found = selected.filter(({ seen }) => !(/UNSEEN/i.test(args) && seen));
        write(`* SEARCH${found.map(({ uid }) => ` ${uid}`).join('')}`);
        return 'OK done';
      },
      'UID FETCH': (args) => {
        for (const mail of mailsOf(args.split(' ')[0] ?? '')) sendMail(mail, args);
        return 'OK done';
      },
      'UID STORE': (args) => {
        for (const mail of mailsOf(args.split(' ')[0] ?? '')) mail.seen = true;
        return 'OK done';
      },
      'UID MOVE': (args) => {
        const [set = '', folder = ''] = args.split(' ');
        for (const mail of mailsOf(set)) move(mail, folder.replaceAll('"', ''));
        return 'OK done';
      },
      NOOP: () => (tellOfNews(), 'OK done'),
      LOGOUT: () => (write('* BYE'), 'OK bye'),
    };

    const answer = (line: string): void => {
      if (idleTag !== undefined && /^done$/i.test(line)) {
        idling.delete(tellOfNews);
        write(`${idleTag} OK idled`);
        idleTag = undefined;
        return;
      }
      const [, tag = '*', name = '', args = ''] = /^(\S+) ((?:UID )?\S+) ?(.*)$/i.exec(line) ?? [];
      const command = name.toUpperCase();
      heard.push(command);
      if (command === 'IDLE') {
        idleTag = tag;
        idling.add(tellOfNews);
        write('+ idling');
        return tellOfNews();
      }
      const isRefused = options.refused?.includes(command) ?? false;
      write(`${tag} ${isRefused ? 'NO refused' : (commands[command]?.(args) ?? 'BAD unknown')}`);
      if (command === 'LOGOUT') socket.end();
    };

    let rest = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) answer(line);
    });
    write('* OK [CAPABILITY IMAP4rev1 IDLE UIDPLUS MOVE] ready');
  };

  const server = options.tls === undefined ? createServer(serve) : createTlsServer(options.tls, serve);
  server.on('tlsClientError', () => {});
  server.listen(0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    commands: heard,
    deliver: (raw, seen = false) => {
      folders.get('INBOX')?.push({ uid: uidNext, raw: Buffer.from(raw), seen });
      uidNext += 1;
      for (const tell of idling) tell();
      return Promise.resolve();
    },
    mailsIn: (folder) =>
      Promise.resolve((folders.get(folder) ?? []).map(({ raw, seen }) => ({ raw: raw.toString(), seen }))),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
