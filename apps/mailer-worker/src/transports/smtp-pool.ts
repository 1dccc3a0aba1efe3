import { Readable } from 'node:stream';
import SMTPPool from 'nodemailer/lib/smtp-pool';
import type { AssembledMessage } from './smtp-message.ts';

/** What the server said to a mail that it took. */
export interface SmtpAcceptance {
  readonly response: string;
  /** The Message-ID that the server put in place of ours (SES, Outlook). */
  readonly serverMessageId: string | undefined;
}

export interface SmtpMessage extends AssembledMessage {
  /** For the client's log only. */
  readonly messageIdHeader: string;
}

/** The stream that the client made of a message, once it had a connection for it. */
export interface BodyWatch {
  stream?: Readable;
}

/**
 * Says whether a byte of the message may have left. The client reads from the stream only after the
 * server has answered DATA with 354, so "was read from" is the exact answer; a transform in between
 * would read ahead and say so too early.
 */
export const hasBodyStarted = (watch: BodyWatch): boolean => watch.stream?.readableDidRead ?? false;

/** A pool of SMTP connections whose age is bounded. */
export interface RotatingPool {
  /** Sends one message and keeps `watch` up to date. Rejects with nodemailer's error, also when `signal` aborts. */
  readonly send: (message: SmtpMessage, signal: AbortSignal, watch: BodyWatch) => Promise<SmtpAcceptance>;
  /** Waits up to `graceMs` for messages in flight, then closes everything. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** One generation of connections: nodemailer bounds their idle time and messages, but not their age. */
interface Generation {
  readonly pool: SMTPPool;
  readonly startedAt: number;
  readonly inFlight: Set<Promise<unknown>>;
}

/**
 * Creates a pool that connects with its first message. After `maxAgeMs` the next message starts a
 * generation of new connections; the older one finishes what it has and closes. So no message ever
 * fails for a rotation, and for that moment there can be twice as many connections.
 */
export const createRotatingPool = (options: SMTPPool.Options, maxAgeMs: number): RotatingPool => {
  const generations = new Set<Generation>();
  let current: Generation | undefined;

  const closeWhenDone = (generation: Generation): void => {
    if (generation === current || generation.inFlight.size > 0) return;
    generations.delete(generation);
    generation.pool.close();
  };

  const takeGeneration = (now: number): Generation => {
    if (current !== undefined && now - current.startedAt < maxAgeMs) return current;
    const aged = current;
    current = { pool: new SMTPPool(options), startedAt: now, inFlight: new Set() };
    generations.add(current);
    if (aged !== undefined) closeWhenDone(aged);
    return current;
  };

  const send: RotatingPool['send'] = async (message, signal, watch) => {
    const generation = takeGeneration(performance.now());
    const sending = sendThrough(generation.pool, message, signal, watch);
    generation.inFlight.add(sending);
    try {
      return await sending;
    } finally {
      generation.inFlight.delete(sending);
      closeWhenDone(generation);
    }
  };

  const close: RotatingPool['close'] = async (graceMs) => {
    current = undefined;
    const inFlight = [...generations].flatMap((generation) => [...generation.inFlight]);
    await settleWithin(inFlight, graceMs);
    for (const { pool } of generations) pool.close({ force: true });
    generations.clear();
  };

  return { send, close };
};

/**
 * Straight to the pool: nodemailer's mailer would compose the message, which is done already, and pass its
 * bytes through three streams; in one piece they cost one system call and a third less time.
 */
const sendThrough = (
  pool: SMTPPool,
  message: SmtpMessage,
  signal: AbortSignal,
  watch: BodyWatch,
): Promise<SmtpAcceptance> => {
  // What the pool reads of nodemailer's own MailMessage (10.6); the pool's tests would notice a change.
  const mail = {
    data: { signal, dsn: message.dsn },
    message: {
      getHeader: () => message.messageIdHeader,
      messageId: () => message.messageIdHeader,
      // Another object for each connection: the one before notes in it that the server refused MAIL, and a
      // message that moved to the next connection would fail with the old 421 although it was taken there.
      getEnvelope: () => ({ from: message.from, to: [message.to] }),
      createReadStream: () => {
        watch.stream = inOneChunk(message.bytes);
        return watch.stream;
      },
    },
  };
  return new Promise((resolve, reject) => {
    pool.send(mail as unknown as Parameters<SMTPPool['send']>[0], (error, info) => {
      if (error || info === undefined) reject(error ?? new Error('no result'));
      else resolve({ response: info.response, serverMessageId: info.serverMessageId });
    });
  });
};

/** Nothing is taken before the first read, so `readableDidRead` tells whether it began. */
const inOneChunk = (bytes: Buffer): Readable =>
  new Readable({
    read() {
      this.push(bytes);
      this.push(null);
    },
  });

const settleWithin = async (promises: readonly Promise<unknown>[], timeoutMs: number): Promise<void> => {
  if (promises.length === 0) return;
  const { promise: timedOut, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  try {
    await Promise.race([Promise.allSettled(promises), timedOut]);
  } finally {
    clearTimeout(timer);
  }
};
