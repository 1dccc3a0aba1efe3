/** What a key of an organization may do. A key of a tenant has none: it speaks for that tenant only. */
export const scopes = [
  'messages:read',
  'messages:send',
  'accounts:read',
  'accounts:write',
  'organization:write',
  'events:read',
] as const;

export type Scope = (typeof scopes)[number];

/** Words that this version does not know are left out: a key never gains by a deploy that goes back. */
export const knownScopes = (names: readonly string[]): readonly Scope[] =>
  scopes.filter((scope) => names.includes(scope));
