import { Readable } from 'node:stream';
import { createTransport, type SendMailOptions, type Transporter } from 'nodemailer';
import type SMTPPool from 'nodemailer/lib/smtp-pool';

/** What the server said to a mail that it took. */
export interface SmtpAcceptance {
  readonly response: string;
  /** The Message-ID that the server put in place of ours (SES, Outlook). */
  readonly serverMessageId: string | undefined;
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
  /** Sends one message and keeps `watch` up to date. Rejects with nodemailer's error. */
  readonly send: (message: SendMailOptions, watch: BodyWatch) => Promise<SmtpAcceptance>;
  /** Waits up to `graceMs` for messages in flight, then closes everything. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** One generation of connections: nodemailer bounds their idle time and messages, but not their age. */
interface Generation {
  readonly transporter: Transporter<SMTPPool.SentMessageInfo, SMTPPool.Options>;
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
    generation.transporter.close();
  };

  const takeGeneration = (now: number): Generation => {
    if (current !== undefined && now - current.startedAt < maxAgeMs) return current;
    const aged = current;
    current = { transporter: createWatched(options), startedAt: now, inFlight: new Set() };
    generations.add(current);
    if (aged !== undefined) closeWhenDone(aged);
    return current;
  };

  const send: RotatingPool['send'] = async (message, watch) => {
    const generation = takeGeneration(performance.now());
    const watched: WatchedMessage = { ...message, bodyWatch: watch };
    const sending = generation.transporter.sendMail(watched);
    generation.inFlight.add(sending);
    try {
      const info = await sending;
      return { response: info.response, serverMessageId: info.serverMessageId };
    } finally {
      generation.inFlight.delete(sending);
      closeWhenDone(generation);
    }
  };

  const close: RotatingPool['close'] = async (graceMs) => {
    current = undefined;
    const inFlight = [...generations].flatMap((generation) => [...generation.inFlight]);
    await settleWithin(inFlight, graceMs);
    for (const { transporter } of generations) transporter.close({ force: true });
    generations.clear();
  };

  return { send, close };
};

type WatchedMessage = SendMailOptions & { readonly bodyWatch: BodyWatch };

const createWatched = (options: SMTPPool.Options): Generation['transporter'] => {
  const transporter = createTransport({ ...options, pool: true });
  transporter.use('stream', (mail, done) => {
    const { bodyWatch } = mail.data as Partial<WatchedMessage>;
    const { message } = mail;
    const createReadStream = message.createReadStream.bind(message);
    message.createReadStream = (streamOptions) => {
      const stream = inOneChunk(createReadStream(streamOptions));
      if (bodyWatch !== undefined) bodyWatch.stream = stream;
      return stream;
    };
    // The connection notes a refused MAIL in the envelope object. nodemailer 10.6 hands the same
    // object to the next connection when it moves a message there, which then fails with the old
    // 421 although the server took the MAIL; a copy for each connection has no such memory.
    const getEnvelope = message.getEnvelope.bind(message);
    message.getEnvelope = () => ({ ...getEnvelope() });
    done();
  });
  return transporter;
};

/**
 * The same bytes in one chunk. nodemailer makes a message of some thirty pieces, and each would be a
 * system call of its own: in one piece a mail costs the sender about a quarter less time. Nothing is
 * taken from the source before the first read, so `readableDidRead` keeps its meaning.
 */
const inOneChunk = (source: Readable): Readable => {
  const chunks: Buffer[] = [];
  let isCollecting = false;
  const whole = new Readable({
    read: () => {
      if (isCollecting) return;
      isCollecting = true;
      source.on('data', (chunk: Buffer) => chunks.push(chunk));
      source.on('end', () => {
        whole.push(Buffer.concat(chunks));
        whole.push(null);
      });
    },
    destroy: (error, done) => {
      source.destroy();
      done(error);
    },
  });
  source.on('error', (error) => whole.destroy(error));
  return whole;
};

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
