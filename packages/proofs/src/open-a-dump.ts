import { createHash, createHmac, hash as hashOf } from 'node:crypto';
import { codeDigits, deriveCode, hashCode } from '@reconfirm/core/code';
import { derivedHash, keyedHash } from '@reconfirm/core/keyed-hash';
import { unseal } from '@reconfirm/core/sealed';
import type { Secret } from '@reconfirm/core/secret';
import { deriveToken, hashToken, type KeyRing, type TokenOrigin } from '@reconfirm/core/token';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { columnsOf, type DumpedTable } from './dump-stores.ts';

/** What somebody has who stole both stores, and knows the code. */
export interface Dump {
  readonly postgres: readonly DumpedTable[];
  readonly redis: readonly string[];
}

/** Keys to try: guessed ones, or the right ones. */
export interface KeyGuesses {
  readonly tokenKeys: readonly KeyRing[];
  readonly hashKeys: readonly Secret[];
  /** Those of `hashKeys` that all codes are tried under: a million hashes each. */
  readonly codeKeys: readonly Secret[];
}

/** Something that would let its holder in, or tell who somebody is. */
export interface Opened {
  readonly what: 'token' | 'code' | 'stored secret' | 'successor' | 'sealed value' | 'address';
  readonly where: string;
  readonly value: string;
}

type Row = Readonly<Record<string, string | null>>;

const sha256 = (data: string | Uint8Array): string => hashOf('sha256', data, 'hex');

const hexOf = (bytea: string | null | undefined): string => (bytea ?? '').replace(/^\\x/, '');

const rowsOf = (dump: Dump, table: string): readonly Row[] =>
  dump.postgres.find(({ name }) => name === `public.${table}`)?.rows ?? [];

/** Tries everything that the code knows how to do with these rows; resolves nothing that it could not check. */
export const openDump = (
  dump: Dump,
  guesses: KeyGuesses,
  dictionary: readonly string[],
): readonly Opened[] => [
  ...secretsInTheClear(dump),
  ...tokensDerived(dump, guesses),
  ...codesTried(dump, guesses),
  ...successorsMade(dump),
  ...sealedOpened(dump, guesses),
  ...addressesFound(dump, guesses, dictionary),
];

/** Hashes of secrets that whoever holds the secret itself is let in by. */
const hashesOfSecrets = (dump: Dump): ReadonlyMap<string, string> =>
  new Map(
    [
      ['verifications', 'token_hash'],
      ['refresh_tokens', 'token_hash'],
      ['auth_codes', 'code_hash'],
      ['api_keys', 'secret_hash'],
    ].flatMap(([table = '', column = '']) =>
      rowsOf(dump, table).map((row): [string, string] => [hexOf(row[column]), `${table}.${column}`]),
    ),
  );

/** Every text anywhere in the dump, and the bytes that it may write, shown as a token: hashes among them. */
const secretsInTheClear = (dump: Dump): readonly Opened[] => {
  const wanted = hashesOfSecrets(dump);
  const texts = [...columnsOf(dump.postgres).flatMap(({ values }) => values), ...dump.redis];
  const runs = new Set(texts.flatMap((text) => text.match(/[A-Za-z0-9+/=_-]{16,}/g) ?? []));
  return [...runs].flatMap((run) =>
    spellingsOf(run).flatMap((value): Opened[] => {
      const where = wanted.get(sha256(value));
      return where === undefined ? [] : [{ what: 'stored secret', where, value: String(value) }];
    }),
  );
};

const spellingsOf = (run: string): readonly (string | Buffer)[] => {
  const bytes = /^(?:[0-9a-f]{2})+$/.test(run) ? Buffer.from(run, 'hex') : Buffer.from(run, 'base64');
  const [hex, base64url] = [bytes.toString('hex'), bytes.toString('base64url')];
  return [run, bytes, hex, base64url, bytes.toString('base64'), `rt_${base64url}`, `rt_${run}`];
};

const nonceSizeBytes = 16;

/** Every message whose row still has what its token is made of; where it has not, an empty nonce is tried. */
const origins = (dump: Dump, ring: KeyRing): readonly (TokenOrigin & { readonly row: Row })[] => {
  const purposeOf = new Map(rowsOf(dump, 'messages').map(({ id, purpose }) => [id, purpose ?? '']));
  return rowsOf(dump, 'verifications').flatMap((row) =>
    [...ring.keys.keys()].map((keyVersion) => ({
      row,
      keyVersion,
      messageId: row['message_id'] ?? '',
      purpose: purposeOf.get(row['message_id'] ?? '') ?? '',
      nonce: row['nonce'] === null ? Buffer.alloc(nonceSizeBytes) : Buffer.from(hexOf(row['nonce']), 'hex'),
    })),
  );
};

const tokensDerived = (dump: Dump, { tokenKeys }: KeyGuesses): readonly Opened[] =>
  tokenKeys.flatMap((ring) =>
    origins(dump, ring).flatMap((origin): Opened[] => {
      const token = deriveToken(ring, origin).reveal();
      return hashToken(token).toString('hex') === hexOf(origin.row['token_hash'])
        ? [{ what: 'token', where: `message ${origin.messageId}`, value: token }]
        : [];
    }),
  );

const allCodes = 10 ** codeDigits;

/** Keeps each code whose hash, made in some way, is a stored one. */
const codesFound = (byHash: ReadonlyMap<string, string>) => {
  const found: Opened[] = [];
  const tryOne = (made: string, value: string): void => {
    const messageId = byHash.get(made);
    if (messageId !== undefined) found.push({ what: 'code', where: `message ${messageId}`, value });
  };
  return { found, tryOne };
};

/** All codes there are against every stored hash: unkeyed in the ways that one would think of, and under each key. */
const codesTried = (dump: Dump, { tokenKeys, hashKeys, codeKeys }: KeyGuesses): readonly Opened[] => {
  const stored = rowsOf(dump, 'verifications').filter((row) => row['code_hash'] !== null);
  if (hashKeys.length === 0) return [];
  const byHash = new Map(stored.map((row) => [hexOf(row['code_hash']), row['message_id'] ?? '']));
  const { found, tryOne } = codesFound(byHash);
  for (const ring of tokenKeys)
    for (const origin of origins(dump, ring))
      for (const key of hashKeys) {
        const code = deriveCode(ring, origin).reveal();
        tryOne(hashCode(key, origin.messageId, code).toString('hex'), code);
      }
  return [...found, ...byTryingAll(byHash, codeKeys)];
};

/** Every code there is, until each hash is opened. */
const byTryingAll = (byHash: ReadonlyMap<string, string>, codeKeys: readonly Secret[]): readonly Opened[] => {
  const { found, tryOne } = codesFound(byHash);
  for (let number = 0; number < allCodes && found.length < byHash.size; number += 1) {
    const code = String(number).padStart(codeDigits, '0');
    tryOne(sha256(code), code);
    for (const messageId of byHash.values()) {
      tryOne(sha256(messageId + code), code);
      for (const key of codeKeys) tryOne(hashCode(key, messageId, code).toString('hex'), code);
    }
  }
  return found;
};

/** The refresh token after one that was used, made of what its row holds, as if the stored hash were the token. */
const successorsMade = (dump: Dump): readonly Opened[] => {
  const wanted = hashesOfSecrets(dump);
  return rowsOf(dump, 'refresh_tokens').flatMap((row) => {
    const [hash, nonce] = [hexOf(row['token_hash']), Buffer.from(hexOf(row['successor_nonce']), 'hex')];
    const keys = [
      hash,
      Buffer.from(hash, 'hex'),
      Buffer.from(hash, 'hex').toString('base64url'),
      `rt_${hash}`,
    ];
    return keys.flatMap((key): Opened[] => {
      const made = createHmac('sha256', key).update('successor').update(nonce).digest('base64url');
      return wanted.has(sha256(`rt_${made}`))
        ? [{ what: 'successor', where: `session ${row['session_id'] ?? ''}`, value: made }]
        : [];
    });
  });
};

const sealedOpened = (dump: Dump, { tokenKeys }: KeyGuesses): readonly Opened[] => {
  const sealed = [
    ...rowsOf(dump, 'messages').map((row) => [row['sealed'], row['id']]),
    ...rowsOf(dump, 'webhook_endpoints').flatMap((row) => [
      [row['secret_sealed'], row['id']],
      [row['previous_secret_sealed'], row['id']],
    ]),
  ];
  return tokenKeys.flatMap((ring) =>
    sealed.flatMap(([value, id]): Opened[] => {
      if (value === null || value === undefined) return [];
      try {
        const opened = unseal(ring, Buffer.from(hexOf(value), 'hex'), id ?? '');
        return [{ what: 'sealed value', where: `row ${id ?? ''}`, value: opened.reveal() }];
      } catch {
        // Not under this key.
        return [];
      }
    }),
  );
};

/** A dictionary of addresses against every hash in Postgres and every key in Redis; the accounts' own column is left out. */
const addressesFound = (
  dump: Dump,
  { hashKeys }: KeyGuesses,
  dictionary: readonly string[],
): readonly Opened[] => {
  const columns = columnsOf(dump.postgres).filter(({ name }) => !/\.(?:email|phone|\w+_address)$/.test(name));
  const stored = [...columns.flatMap(({ values }) => values), ...dump.redis].join('\n');
  return dictionary.flatMap((address) => {
    const plain = [address, sha256(address), createHash('sha256').update(address).digest('base64url')];
    const keyed = hashKeys.flatMap((key) => {
      const hash = keyedHash(key, 'address', defaultOrganizationId, address);
      const limit = derivedHash('limit:signup', hash);
      return [hash.toString('hex'), limit.toString('hex'), limit.toString('base64url')];
    });
    return [...plain, ...keyed].some((form) => stored.includes(form))
      ? [{ what: 'address' as const, where: 'hashes', value: address }]
      : [];
  });
};
