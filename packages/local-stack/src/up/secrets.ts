import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isNotFound, StackError } from '../stack-error.ts';

/** Keys of this installation. They must stay the same as long as its database lives. */
export type Secrets = { tokenKeys: string; addressHashKey: string; adminKey: string; sessionKeys: string };

/** EC P-256: what every library that verifies access tokens knows. */
const newSessionKeys = (): string => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return `local-1:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`;
};

const newSecrets = (): Secrets => ({
  tokenKeys: `1:${randomBytes(32).toString('base64')}`,
  addressHashKey: randomBytes(32).toString('base64'),
  adminKey: `admin_${randomBytes(24).toString('base64url')}`,
  sessionKeys: newSessionKeys(),
});

const damaged = (path: string, cause?: unknown): StackError =>
  new StackError(
    'broken_data',
    `The keys in ${path} are missing or damaged, and the data cannot be read without them: restore the file, or run \`npm start -- --fresh\` to begin anew.`,
    { cause },
  );

/**
 * Reads the keys, or makes them. Where there is data already, new keys would silently lose every account,
 * so that is StackError `broken_data`.
 */
export const loadSecrets = (path: string, hasData: boolean): Secrets => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!isNotFound(error)) throw error;
    if (hasData) throw damaged(path);
    const secrets = newSecrets();
    writeFileSync(path, textOf(secrets), { mode: 0o600, flag: 'wx' });
    return secrets;
  }
  const secrets = parseSecrets(path, text);
  if (secrets.sessionKeys !== undefined) return { ...secrets, sessionKeys: secrets.sessionKeys };
  // A file of a version without sessions: nothing was signed yet that a new key could not verify.
  const completed = { ...secrets, sessionKeys: newSessionKeys() };
  const beside = `${path}.new`;
  writeFileSync(beside, textOf(completed), { mode: 0o600 });
  renameSync(beside, path);
  return completed;
};

const textOf = (secrets: Secrets): string => `${JSON.stringify(secrets, null, 2)}\n`;

type StoredSecrets = Omit<Secrets, 'sessionKeys'> & { sessionKeys: string | undefined };

const parseSecrets = (path: string, text: string): StoredSecrets => {
  let value: Partial<Record<keyof Secrets, unknown>>;
  try {
    value = JSON.parse(text) as Partial<Record<keyof Secrets, unknown>>;
  } catch (cause) {
    throw damaged(path, cause);
  }
  const { tokenKeys, addressHashKey, adminKey, sessionKeys } = value;
  if (typeof tokenKeys !== 'string' || typeof addressHashKey !== 'string' || typeof adminKey !== 'string')
    throw damaged(path);
  if (sessionKeys !== undefined && typeof sessionKeys !== 'string') throw damaged(path);
  return { tokenKeys, addressHashKey, adminKey, sessionKeys };
};
