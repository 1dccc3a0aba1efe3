import type { Inviter } from '@reconfirm/core/invitation';
import type { Scope } from '@reconfirm/core/scopes';
import type { Secret } from '@reconfirm/core/secret';
import type { OrganizationKey } from '@reconfirm/db/api-keys';
import { authenticateApiKey, readApiKey } from './api-key.ts';
import { bearerToken, isSameSecret } from '@reconfirm/process/bearer-token';
import type { Authentication } from './sessions/sessions.ts';

/** What a request shows to act for an organization. */
export interface ShownCredentials {
  readonly authorization: string | undefined;
  /** The X-API-Key header. */
  readonly apiKey: string | undefined;
}

/** Everything that asking to act for an organization can come to. */
export type AdministratorOutcome =
  | { readonly kind: 'administrator'; readonly organizationId: string; readonly actor: Inviter }
  /** Known, but not allowed to do this. */
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'missing' | 'invalid' | 'expired' };

export interface AuthorizeAdministratorDependencies {
  /** The operator's key acts for the default organization. */
  readonly adminKey: Secret | undefined;
  readonly defaultOrganizationId: string;
  readonly findKey: (id: string, secretHash: Uint8Array) => Promise<OrganizationKey | undefined>;
  readonly authenticate: (accessToken: string) => Promise<Authentication>;
}

export type AuthorizeAdministrator = (
  shown: ShownCredentials,
  scopes: readonly Scope[],
) => Promise<AdministratorOutcome>;

/** An administrator's access token, a key of the organization with one of the scopes, or the operator's key. */
export const createAuthorizeAdministrator = (
  deps: AuthorizeAdministratorDependencies,
): AuthorizeAdministrator => {
  return async ({ authorization, apiKey }, scopes) => {
    const shown = apiKey ?? bearerToken(authorization);
    if (shown === undefined) return { kind: authorization === undefined ? 'missing' : 'invalid' };
    if (deps.adminKey !== undefined && isSameSecret(shown, deps.adminKey))
      return {
        kind: 'administrator',
        organizationId: deps.defaultOrganizationId,
        actor: { kind: 'operator' },
      };
    if (readApiKey(shown) !== undefined) return byKey(shown, scopes);
    return apiKey === undefined ? bySession(shown) : { kind: 'invalid' };
  };

  async function byKey(shown: string, wanted: readonly Scope[]): Promise<AdministratorOutcome> {
    const key = await authenticateApiKey(`Bearer ${shown}`, deps.findKey);
    if (key === undefined) return { kind: 'invalid' };
    return wanted.some((scope) => key.scopes.includes(scope))
      ? { kind: 'administrator', organizationId: key.organizationId, actor: { kind: 'key', id: key.keyId } }
      : { kind: 'forbidden' };
  }

  async function bySession(accessToken: string): Promise<AdministratorOutcome> {
    const authentication = await deps.authenticate(accessToken);
    switch (authentication.kind) {
      case 'authenticated': {
        const { isAdmin, organizationId, accountId } = authentication.identity;
        return isAdmin
          ? { kind: 'administrator', organizationId, actor: { kind: 'account', id: accountId } }
          : { kind: 'forbidden' };
      }
      case 'missing':
        return { kind: 'missing' };
      case 'expired':
        return { kind: 'expired' };
      case 'malformed':
      case 'ended':
      case 'unknown_account':
      case 'suspended':
        return { kind: 'invalid' };
    }
  }
};
