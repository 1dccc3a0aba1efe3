import { gotrueLinkTypes } from '@reconfirm/core/contract';
import type { SessionAnswer } from './schemas.ts';

/** What a person reads when one of two sides has agreed. */
export const halfConfirmed =
  'Confirmation link accepted. Please proceed to confirm link sent to the other email';

/** What a token of a link is called in this contract. */
export const linkTypeOf = (purpose: string): string =>
  Object.hasOwn(gotrueLinkTypes, purpose)
    ? gotrueLinkTypes[purpose as keyof typeof gotrueLinkTypes]
    : purpose;

/** Where a person goes after a link, and what the application finds there. */
const withFragment = (base: string, members: Readonly<Record<string, string>>): string => {
  const url = new URL(base);
  url.hash = new URLSearchParams(members).toString();
  return url.href;
};

/** The implicit flow: the session stands in the fragment, which no server sees. */
export const sessionCallback = (base: string, session: SessionAnswer, type: string): string =>
  withFragment(base, {
    access_token: session.access_token,
    expires_at: String(session.expires_at),
    expires_in: String(session.expires_in),
    refresh_token: session.refresh_token,
    token_type: session.token_type,
    type,
    sb: '',
  });

/** The PKCE flow: a code that is worth nothing without the verifier. */
export const codeCallback = (base: string, code: string): string => {
  const url = new URL(base);
  url.searchParams.set('code', code);
  return url.href;
};

/** A success without a session. */
export const messageCallback = (base: string, message: string): string =>
  withFragment(base, { message, sb: '' });

export interface CallbackError {
  readonly error: string;
  readonly error_code: string;
  readonly error_description: string;
}

/** A link that cannot be used. Clients of the PKCE flow read the query, the others the fragment. */
export const errorCallback = (base: string, error: CallbackError, isPkce: boolean): string => {
  const url = new URL(base);
  if (isPkce) for (const [name, value] of Object.entries(error)) url.searchParams.set(name, value);
  return withFragment(url.href, { ...error, sb: '' });
};
