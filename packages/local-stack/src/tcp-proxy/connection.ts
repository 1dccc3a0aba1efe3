import type { Socket } from 'node:net';
import { carry, type Line, write } from './carry.ts';
import type { Faults, Side } from './faults.ts';

export interface ConnectionRules extends Line {
  readonly faults: Faults;
  /** Whether nothing that this side says gets through, on any connection. */
  isShut(side: Side): boolean;
  shut(side: Side): void;
  /** Told of each piece that gets no further, and who said it. */
  swallow(side: Side): void;
}

/** A client and the server that it is led to. */
export interface Connection {
  /** From now on nothing is carried, and neither side is told. */
  freeze(): void;
  /** Both sides find it reset. */
  reset(): void;
}

/** Joins the two until one of them breaks; an end of one side is carried as an end. */
export const joinSockets = (client: Socket, server: Socket, rules: ConnectionRules): Connection => {
  const sockets: Readonly<Record<Side, Socket>> = { client, server };
  let isFrozen = false;
  let loseAnswer: (() => void) | undefined;
  const connection: Connection = {
    freeze: () => {
      isFrozen = true;
    },
    reset: () => {
      client.resetAndDestroy();
      server.resetAndDestroy();
    },
  };

  const arriveFrom = async (side: Side, bytes: Buffer | 'end'): Promise<void> => {
    const from = sockets[side];
    const to = sockets[side === 'client' ? 'server' : 'client'];
    if (isFrozen || rules.isShut(side)) return bytes === 'end' ? undefined : rules.swallow(side);
    if (bytes === 'end') return void to.end();
    if (side === 'server' && loseAnswer !== undefined) {
      connection.reset();
      return loseAnswer();
    }
    const found = rules.faults.find(side, connection, bytes);
    if (found === undefined) return write(to, bytes);
    switch (found.effect) {
      case 'lose-answer':
        loseAnswer = found.happened;
        return write(to, bytes);
      case 'shut':
        rules.shut(side);
        rules.swallow(side);
        return found.happened();
      case 'cut':
        // An end, not a reset, to the one that is to get these bytes: a reset overtakes what is not yet read.
        to.end(bytes.subarray(0, found.length));
        from.resetAndDestroy();
        return found.happened();
    }
  };

  for (const side of ['client', 'server'] as const) {
    const other = sockets[side === 'client' ? 'server' : 'client'];
    carry(sockets[side], rules, (bytes) => arriveFrom(side, bytes));
    sockets[side].on('error', () => isFrozen || other.resetAndDestroy());
  }
  return connection;
};
