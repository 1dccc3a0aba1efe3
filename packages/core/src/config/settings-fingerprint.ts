import { createHmac } from 'node:crypto';
import { Secret } from '../secret.ts';
import type { ApiConfig, WorkerConfig } from './config.ts';
import { sharedSettings } from './shared-settings.ts';

/** Shared settings that each process may have its own of: roles, hosts as its network names them, sizes. */
const ownOfProcess: ReadonlySet<string> = new Set([
  'LOG_LEVEL',
  'DATABASE_URL',
  'DATABASE_POOL_MAX',
  'DATABASE_POOLER',
  'DATABASE_TIMEOUT_MS',
  'REDIS_URL',
  'REDIS_CLUSTER_NODES',
  'SHUTDOWN_TIMEOUT_SECONDS',
]);

/** 64 bits: enough to tell settings apart, and nothing to search a key by. */
const sizeDigits = 16;

/**
 * Tells whether two processes have the same settings where they have to, the keys included. Keyed by one
 * of them (ADDRESS_HASH_KEY, 256 bits), so that it may be shown: nothing can be tried against it.
 */
export const settingsFingerprint = (config: ApiConfig | WorkerConfig): string => {
  const values = Object.entries(config).filter(([name]) => name in sharedSettings && !ownOfProcess.has(name));
  return createHmac('sha256', Buffer.from(config.ADDRESS_HASH_KEY.reveal(), 'base64'))
    .update(JSON.stringify(plain(Object.fromEntries(values))))
    .digest('hex')
    .slice(0, sizeDigits);
};

/** A value as JSON that does not depend on the order in which it was put together. */
const plain = (value: unknown): unknown => {
  if (value instanceof Secret) return value.reveal();
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (value instanceof Set) return [...value].map((one) => JSON.stringify(plain(one))).toSorted();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return entries.map(([name, inner]) => [name, plain(inner)]);
};

export type ProcessKind = 'api' | 'mailer-worker';

/** How a process calls itself at the database (`application_name`, at most 63 bytes). */
export const processName = (kind: ProcessKind, config: ApiConfig | WorkerConfig): string =>
  `reconfirm-${kind} ${settingsFingerprint(config)}`;

/** Reads such a name; undefined for a foreign one. */
export const readProcessName = (
  name: string,
): { readonly kind: ProcessKind; readonly fingerprint: string } | undefined => {
  const match = /^reconfirm-(api|mailer-worker) ([0-9a-f]{16})$/.exec(name);
  const [kind, fingerprint] = [match?.[1], match?.[2]];
  return kind === undefined || fingerprint === undefined
    ? undefined
    : { kind: kind as ProcessKind, fingerprint };
};

/** How many different settings the named processes have: 1 where all agree, 0 where none is known. */
export const settingsInUse = (names: readonly string[]): number =>
  new Set(names.flatMap((name) => readProcessName(name)?.fingerprint ?? [])).size;
