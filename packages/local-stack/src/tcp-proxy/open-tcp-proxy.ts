import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Slowness } from './carry.ts';
import { type Connection, joinSockets } from './connection.ts';
import { createFaults, type Side } from './faults.ts';
import type { Trigger } from './trigger.ts';

/**
 * How the way to the server is. `open`: as if the proxy were not there; slow: the same, slowly. `silent`: it
 * takes connections and bytes, and nothing ever comes of them (a host that a firewall cuts off, a process that is
 * stopped). `closed`: it refuses connections (a process that died). `resetting`: it takes connections and resets
 * them at once (a balancer with nothing behind it).
 */
export type Way = 'open' | 'silent' | 'closed' | 'resetting' | Slowness;

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** The server's URL by way of the proxy. */
  readonly url: string;
  /**
   * Changes the way from here on; resolves when it has. Connections stay while it goes from `open` to slow and
   * back, and when it becomes `silent`; any other change resets them, because they may have lost bytes.
   */
  become(way: Way): Promise<void>;
  /** Resets the connections there are; new ones pass. */
  resetConnections(): void;
  /** The connections there are get silent and never end; new ones pass: what a router does that forgot them. Returns how many. */
  freezeConnections(): number;
  /**
   * Once: when this side has said so much on one connection, that much still arrives, and then the connection
   * breaks: an end for the one who listens, a reset for the one who spoke. Resolves when it has.
   */
  cutAfter(from: Side, trigger: Trigger): Promise<void>;
  /**
   * Once: a client says the text, the server gets it and answers, and in place of the answer the client finds
   * its connection reset: what was asked for has been done, and nobody heard of it. Resolves when it has happened.
   */
  loseAnswerTo(text: string): Promise<void>;
  /**
   * Once: holds back the bytes with which a client completes the text, and then all that any client says: a
   * statement that carries it is known to have been made, and known not to have been carried out. Resolves when
   * it has happened; `become` ends it.
   */
  shutAt(text: string): Promise<void>;
  /** How many pieces of what clients said got no further. */
  swallowed(): number;
}

export interface TcpProxyOptions {
  /** The way at the start; `open` unless it is said. */
  readonly first?: Way;
  /** From 0 to 1; what jitter is drawn from. */
  readonly random?: () => number;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'redis:': 6379,
  'postgres:': 5432,
  'postgresql:': 5432,
  'smtp:': 25,
  'http:': 80,
};

const targetOf = (url: URL): { readonly host: string; readonly port: number } => {
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : Number(url.port);
  if (port === undefined) throw new Error(`The URL of a ${url.protocol.slice(0, -1)} server names no port`);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port };
};

const isPassable = (way: Way): boolean => way === 'open' || typeof way === 'object';

/**
 * Stands between clients and the server of a URL, whatever they speak, on a port of its own on 127.0.0.1, so
 * that a test can do to a server that others use too what networks do.
 */
export const openTcpProxy = async (serverUrl: string, options: TcpProxyOptions = {}): Promise<TcpProxy> => {
  const target = targetOf(new URL(serverUrl));
  const sockets = new Set<Socket>();
  const connections = new Set<Connection>();
  const faults = createFaults();
  const shutSides = new Set<Side>();
  let way: Way = options.first ?? 'open';
  let swallowed = 0;

  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    // Either end may break at any time.
    return socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  };
  const rules = {
    faults,
    slowness: (): Slowness => (typeof way === 'object' ? way : {}),
    random: options.random ?? Math.random,
    isShut: (side: Side): boolean => way === 'silent' || shutSides.has(side),
    shut: (side: Side): void => void shutSides.add(side),
    swallow: (side: Side): void => {
      if (side === 'client') swallowed += 1;
    },
  };
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    keep(client);
    if (way === 'resetting') return void client.resetAndDestroy();
    if (way === 'silent') return void client.on('data', () => rules.swallow('client'));
    const server = keep(connect({ ...target, allowHalfOpen: true, noDelay: true }));
    const connection = joinSockets(client, server, rules);
    connections.add(connection);
    server.once('close', () => connections.delete(connection));
  });

  const listen = async (port: number): Promise<number> => {
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('The kernel gave no port');
    return address.port;
  };
  const resetAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const close = async (): Promise<void> => {
    const closed = once(listener, 'close');
    listener.close();
    resetAll();
    await closed;
  };

  const port = await listen(0);
  if (way === 'closed') await close();
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);

  const become = async (next: Way): Promise<void> => {
    const before = way;
    way = next;
    const keepsConnections =
      next === before || (isPassable(before) && (isPassable(next) || next === 'silent'));
    if (!keepsConnections || shutSides.size > 0) resetAll();
    shutSides.clear();
    if (before !== 'closed' && next === 'closed') await close();
    if (before === 'closed' && next !== 'closed') await listen(port);
  };

  return {
    port,
    url: url.href,
    become,
    resetConnections: resetAll,
    freezeConnections: () => {
      for (const connection of connections) connection.freeze();
      return connections.size;
    },
    cutAfter: (from, trigger) => faults.add(from, trigger, 'cut'),
    loseAnswerTo: (text) => faults.add('client', { text }, 'lose-answer'),
    shutAt: (text) => faults.add('client', { text }, 'shut'),
    swallowed: () => swallowed,
    [Symbol.asyncDispose]: () => become('closed'),
  };
};

/** A port on which somebody takes connections and bytes and never says a word. */
export const openSilentPort = (): Promise<TcpProxy> => openTcpProxy('tcp://127.0.0.1:1', { first: 'silent' });
