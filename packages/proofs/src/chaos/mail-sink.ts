import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Random } from './random.ts';
import { readCopy, type Copy } from './read-copy.ts';

/**
 * What goes wrong with one mail (RELIABILITY: S1 to S6). With `no_word` the server has the mail and says
 * nothing, with `lost_after_dot` it has not and says nothing: the client cannot tell them apart.
 */
export const mailFaults = [
  'refused_for_now',
  'refused_after_dot',
  'dropped_before_data',
  'dropped_in_data',
  'lost_after_dot',
  'no_word',
  'slow',
] as const;
export type MailFault = (typeof mailFaults)[number];

export interface SinkOptions {
  readonly random: Random;
  /** Share of mails that meet a fault, 0 to 1. */
  readonly faultShare: number;
}

export interface MailSink extends AsyncDisposable {
  readonly url: string;
  readonly faults: Readonly<Record<MailFault, number>>;
  /** Tells of each mail that this server takes from now on, before it says so. */
  follow(listener: (copy: Copy) => void): void;
  /** Greets with 554 until then, as a provider does that has blocked us. */
  refuseUntil(at: number): void;
  /** From here on nothing goes wrong any more. */
  behave(): void;
}

const SLOW_MS = 2500;
/** Every answer to a mail takes up to this long, so that whoever is killed has mails in hand. */
const ANSWER_MS_MAX = 400;

/** An SMTP server that keeps what it took, and that misbehaves as often as it is told. */
export const startMailSink = async (options: SinkOptions): Promise<MailSink> => {
  const faults = Object.fromEntries(mailFaults.map((name) => [name, 0])) as Record<MailFault, number>;
  const sockets = new Set<Socket>();
  let refuseUntil = 0;
  let listener: ((copy: Copy) => void) | undefined;
  let faultShare = options.faultShare;

  const nextFault = (): MailFault | undefined => {
    if (!options.random.chance(faultShare)) return undefined;
    const fault = options.random.pick(mailFaults);
    faults[fault] += 1;
    return fault;
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
    if (performance.now() < refuseUntil) {
      socket.end('554 5.7.1 blocked\r\n');
      return;
    }
    serve(socket, options.random, nextFault, (copy) => listener?.(copy));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    follow: (follower) => (listener = follower),
    refuseUntil: (at) => (refuseUntil = at),
    behave: () => (faultShare = 0),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

const serve = (
  socket: Socket,
  random: Random,
  nextFault: () => MailFault | undefined,
  onCopy: (copy: Copy) => void,
): void => {
  let rest = '';
  let to = '';
  let fault: MailFault | undefined;
  let isInData = false;
  const say = (reply: string): void => void socket.write(`${reply}\r\n`);

  const takeCommand = (line: string): void => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') say('250-sink\r\n250-8BITMIME\r\n250 SIZE 1048576');
    else if (verb === 'MAIL') {
      fault = nextFault();
      say('250 2.1.0 ok');
    } else if (verb === 'RCPT') {
      to = /<([^>]*)>/.exec(line)?.[1] ?? '';
      say(fault === 'refused_for_now' ? '451 4.7.1 greylisted, try again later' : '250 2.1.5 ok');
    } else if (verb === 'DATA') {
      if (fault === 'dropped_before_data') return void socket.resetAndDestroy();
      isInData = true;
      say('354 go on');
    } else if (verb === 'QUIT') {
      say('221 2.0.0 bye');
      socket.end();
    } else say('250 2.0.0 ok');
  };

  const takeMail = (mail: string): void => {
    if (fault === 'lost_after_dot') return void socket.resetAndDestroy();
    if (fault === 'refused_after_dot') return say('451 4.3.0 try again later');
    onCopy(readCopy(mail, to));
    if (fault === 'no_word') return void socket.resetAndDestroy();
    const answerMs = fault === 'slow' ? SLOW_MS : random.between(0, ANSWER_MS_MAX);
    setTimeout(() => say('250 2.0.0 kept'), answerMs);
  };

  socket.setEncoding('latin1').on('data', (chunk: string) => {
    rest += chunk;
    for (;;) {
      if (isInData) {
        if (fault === 'dropped_in_data' && rest.length > 0) return void socket.resetAndDestroy();
        const end = rest.indexOf('\r\n.\r\n');
        if (end < 0) return;
        const mail = rest.slice(0, end + 2);
        rest = rest.slice(end + 5);
        isInData = false;
        takeMail(mail);
        continue;
      }
      const end = rest.indexOf('\r\n');
      if (end < 0) return;
      const line = rest.slice(0, end);
      rest = rest.slice(end + 2);
      takeCommand(line);
    }
  });
  say('220 sink ready');
};
