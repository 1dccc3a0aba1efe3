import type { PurposeName } from './purposes/registry.ts';

/** The HTTP contracts that can be spoken, as CONTRACTS and the rows of messages name them. */
export const contractNames = ['v1', 'gotrue', 'singularity', 'entryguard'] as const;

export type ContractName = (typeof contractNames)[number];

/** Contracts whose answers carry sessions: they cannot be spoken without SESSION_KEYS. */
export const contractsWithSessions: readonly ContractName[] = ['gotrue', 'singularity', 'entryguard'];

/** Reads `v1,gotrue`; the order does not matter and each counts once. */
export const parseContracts = (text: string): readonly ContractName[] | { readonly problem: string } => {
  const wanted = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = wanted.find((name) => !contractNames.some((known) => known === name));
  if (unknown !== undefined)
    return { problem: `must list some of ${contractNames.join(', ')}; ${unknown} is none of them` };
  if (wanted.length === 0) return { problem: `must list at least one of ${contractNames.join(', ')}` };
  return contractNames.filter((known) => wanted.includes(known));
};

/** Where the link of a message leads before its token is put in. */
export interface LinkPage {
  /** On our own origin. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /**
   * Which redirect URL takes the place of our page, so that the token goes to the application. With `none`
   * the redirect stays with the message, and our page sends the person on once the token was used.
   */
  readonly yieldsTo: 'none' | 'redirect_of_request' | 'redirect_of_request_or_account';
}

/** Where a password is set by the token of a link, unless the application has a page of its own. */
export const setPasswordPath = '/v1/set-password';

/** The words of the GoTrue contract for what a token is of. */
export const gotrueLinkTypes = {
  signup: 'signup',
  invitation: 'invite',
  recovery: 'recovery',
  magiclink: 'magiclink',
  email_change: 'email_change',
} as const satisfies Partial<Record<PurposeName, string>>;

/** Contracts without a page of their own, and messages of a contract that a newer version knows, get v1's. */
export const linkPageOf = (contract: string, purpose: string): LinkPage => {
  if (contract === 'gotrue' && Object.hasOwn(gotrueLinkTypes, purpose)) {
    const type = gotrueLinkTypes[purpose as keyof typeof gotrueLinkTypes];
    return { path: '/auth/v1/verify', query: { type }, yieldsTo: 'none' };
  }
  // The page that an account registered with confirms addresses; it was not made to set passwords.
  if (purpose === 'recovery' || purpose === 'invitation')
    return { path: setPasswordPath, query: {}, yieldsTo: 'redirect_of_request' };
  return { path: '/v1/verify-email', query: {}, yieldsTo: 'redirect_of_request_or_account' };
};
