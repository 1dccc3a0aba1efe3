import { judgeRedirect, type RedirectRule } from '@reconfirm/core/redirect';

interface Wanting {
  readonly redirectUrl: string | null;
}

/**
 * The application's own page where a message is confirmed: the request's, else the account's; null where
 * neither is (still) allowed. Judged again when it is used: an origin that was taken off the list receives no
 * token from then on.
 */
export const wantedPage = (
  { claimed, account }: { readonly claimed: Wanting; readonly account: Wanting | null },
  { redirects }: { readonly redirects: RedirectRule },
  production: boolean,
): string | null => {
  for (const redirectUrl of [claimed.redirectUrl, account?.redirectUrl ?? null]) {
    if (redirectUrl === null) continue;
    const decision = judgeRedirect(redirectUrl, redirects, production);
    if (decision.allowed) return decision.url;
  }
  return null;
};
