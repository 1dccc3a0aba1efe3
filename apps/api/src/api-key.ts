import { createHash, randomBytes } from 'node:crypto';
import { uuidV7 } from '@reconfirm/core/message-id';
import type { Scope } from '@reconfirm/core/scopes';
import { Secret } from '@reconfirm/core/secret';
import type { OrganizationKey } from '@reconfirm/db/api-keys';
import { bearerToken } from '@reconfirm/process/bearer-token';

export interface NewApiKey {
  readonly id: string;
  readonly secretHash: Buffer;
  readonly lastFour: string;
  readonly text: Secret;
}

/** `rk_<id>_<secret>`: found by its id, stored as SHA-256 of 256 random bits, shown once. */
export const makeApiKey = (): NewApiKey => {
  const id = uuidV7(Date.now(), randomBytes(10));
  const secret = randomBytes(32).toString('base64url');
  return {
    id,
    secretHash: hashSecret(secret),
    lastFour: secret.slice(-4),
    text: new Secret(`rk_${id.replaceAll('-', '')}_${secret}`),
  };
};

const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** The id and the hash to look an API key up by; undefined for anything that is not one. */
export const readApiKey = (
  text: string,
): { readonly id: string; readonly secretHash: Buffer } | undefined => {
  const match =
    /^rk_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/.exec(text);
  const secret = match?.[6];
  return match === null || secret === undefined
    ? undefined
    : { id: match.slice(1, 6).join('-'), secretHash: hashSecret(secret) };
};

/** What a service may do that shows a key of an organization. */
export interface ApiKeyIdentity {
  readonly keyId: string;
  readonly organizationId: string;
  readonly scopes: readonly Scope[];
}

/** Who an organization's key speaks for; undefined for none, a wrong or revoked one, and a tenant's. */
export const authenticateApiKey = async (
  authorization: string | undefined,
  find: (id: string, secretHash: Uint8Array) => Promise<OrganizationKey | undefined>,
): Promise<ApiKeyIdentity | undefined> => {
  const presented = readApiKey(bearerToken(authorization) ?? '');
  const key = presented === undefined ? undefined : await find(presented.id, presented.secretHash);
  return key === undefined
    ? undefined
    : { keyId: key.id, organizationId: key.organizationId, scopes: key.scopes };
};
