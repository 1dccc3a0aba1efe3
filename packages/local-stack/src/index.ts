export { createDatabase } from './create-database.ts';
export { findFreePort, isPortFree } from './free-port.ts';
export { startPostgres, type PostgresOptions, type RunningPostgres } from './postgres.ts';
export { removePostgresData } from './postgres-cluster.ts';
export { findRedisServer, startRedis, type RedisOptions, type RunningRedis } from './redis.ts';
export { StackError, type StackErrorCode } from './stack-error.ts';
export { startInbox, type InboxOptions, type RunningInbox } from './inbox/start-inbox.ts';
export type { MessageFilter } from './inbox/message-store.ts';
export type { Mailbox, MessageSummary, ReadMessage } from './inbox/read-message.ts';
export { up, type UpOptions } from './up.ts';
export {
  describeExit,
  startProcess,
  type ProcessExit,
  type ProcessOptions,
  type StartedProcess,
} from './start-process.ts';
export type { Slowness } from './tcp-proxy/carry.ts';
export {
  openSilentPort,
  openTcpProxy,
  type TcpProxy,
  type TcpProxyOptions,
  type Way,
} from './tcp-proxy/open-tcp-proxy.ts';
export { waitUntil } from './wait-until.ts';
export { apiEnvironment, workerEnvironment } from './up/process-settings.ts';
