import { judgeRedirect, type RedirectRule } from '@reconfirm/core/redirect';

/**
 * The application's own page where a message is confirmed: the first of the wanted ones that is (still)
 * allowed, or null. Judged again when it is used: an origin that was taken off the list receives no token
 * from then on.
 */
export const wantedPage = (
  wanted: readonly (string | null)[],
  { redirects }: { readonly redirects: RedirectRule },
  production: boolean,
): string | null => {
  for (const redirectUrl of wanted) {
    if (redirectUrl === null) continue;
    const decision = judgeRedirect(redirectUrl, redirects, production);
    if (decision.allowed) return decision.url;
  }
  return null;
};
