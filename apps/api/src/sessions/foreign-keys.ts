import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';
import { AppError } from '@reconfirm/core/app-error';

/** A server that does not answer in this time is away. */
const fetchTimeoutMs = 3000;
/** However many unknown `kid`s come, and however often it fails: one fetch in this time. */
const cooldownMs = 30_000;
/** After this a key that was taken out of the set stops counting. */
const freshMs = 600_000;
/** Keys are remembered for so long while the server is away; then its tokens are refused. */
const rememberedMs = 86_400_000;

export interface ForeignKeysOptions {
  readonly url: string;
  /** The process's monotonic clock. */
  readonly nowMs: () => number;
  readonly onFetch: (fetched: { readonly working: boolean; readonly cause?: unknown }) => void;
}

type Key = Awaited<ReturnType<ReturnType<typeof createLocalJWKSet>>>;

/** Finds the key of a token. Throws `JWKSNoMatchingKey`, or AppError `issuer_unavailable` without any keys. */
export type FindForeignKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<Key>;

interface Snapshot {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly fetchedAtMs: number;
}

/**
 * The published keys of one issuer, from the configured URL only: what a token says of keys or addresses
 * (`jku`, `x5u`, `jwk`) is not looked at. jose counts its cooldown from the last success and forgets keys
 * that it cannot refresh; here a failure counts too, and what was fetched last is used while the server is away.
 */
export const createForeignKeys = (options: ForeignKeysOptions): FindForeignKey => {
  const remote = createRemoteJWKSet(new URL(options.url), { timeoutDuration: fetchTimeoutMs });
  let snapshot: Snapshot | undefined;
  let nextFetchAtMs = 0;
  let pending: Promise<void> | undefined;

  const fetchKeys = async (): Promise<void> => {
    try {
      await remote.reload();
      const set: JSONWebKeySet | undefined = remote.jwks();
      if (set === undefined) return;
      snapshot = { find: createLocalJWKSet(set), fetchedAtMs: options.nowMs() };
      options.onFetch({ working: true });
    } catch (cause) {
      options.onFetch({ working: false, cause });
    }
  };

  /** Joins the fetch under way, or begins one when enough time has passed. */
  const refresh = async (): Promise<void> => {
    if (pending === undefined && options.nowMs() >= nextFetchAtMs) {
      nextFetchAtMs = options.nowMs() + cooldownMs;
      pending = fetchKeys().finally(() => {
        pending = undefined;
      });
    }
    await pending;
  };

  const current = (): Snapshot => {
    if (snapshot !== undefined && options.nowMs() - snapshot.fetchedAtMs < rememberedMs) return snapshot;
    throw new AppError('issuer_unavailable', 'the keys of a foreign issuer cannot be fetched', {
      retryAfterSeconds: Math.max(1, Math.ceil((nextFetchAtMs - options.nowMs()) / 1000)),
    });
  };

  return async (header, token) => {
    if (snapshot === undefined || options.nowMs() - snapshot.fetchedAtMs >= freshMs) await refresh();
    const before = current();
    try {
      return await before.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // A key that we have not seen: the issuer may have rotated.
      await refresh();
      const after = current();
      if (after === before) throw error;
      return after.find(header, token);
    }
  };
};
