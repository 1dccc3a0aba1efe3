import type { RedisNode } from '@reconfirm/core/config/shared-settings';
import { Cluster } from 'ioredis';

/** How each connection is made, to the one Redis or to every node. */
export interface NodeOptions {
  readonly maxRetriesPerRequest: number | null;
  readonly commandTimeout?: number;
  readonly connectionName: string;
  readonly connectTimeout: number;
  readonly disconnectTimeout: number;
  readonly socketTimeout: number;
}

/** A cluster has ioredis' deadline for a command only once a node has been found to send it to. */
class ClusterWithDeadline extends Cluster {
  override sendCommand(...[command, stream, node]: Parameters<Cluster['sendCommand']>): unknown {
    const timeoutMs = this.options.redisOptions?.commandTimeout;
    if (timeoutMs !== undefined) command.setTimeout(timeoutMs);
    return super.sendCommand(command, stream, node);
  }
}

const DEFAULT_PORT = 6379;

/**
 * Connects to a Redis Cluster by any of the nodes named; each of them knows the others. All keys of a queue, and all
 * of the limits, share a slot (their prefixes are in braces), so that a script finds them on one node.
 */
export const connectToCluster = (
  url: string,
  others: readonly RedisNode[],
  each: NodeOptions,
  reconnectWaitMs: (attempt: number) => number,
): Cluster => {
  const { protocol, hostname, port, username, password } = new URL(url);
  const first = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || DEFAULT_PORT) };
  return new ClusterWithDeadline([first, ...others], {
    redisOptions: {
      ...each,
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
    },
    clusterRetryStrategy: reconnectWaitMs,
    // By name to the end: a certificate is made out to a name, not to an address.
    dnsLookup: (address, done) => done(null, address),
  });
};
