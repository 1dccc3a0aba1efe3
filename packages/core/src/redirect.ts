/** Which origins a verification link may lead to. `any` is for a local machine only. */
export type RedirectRule =
  | { readonly kind: 'any' }
  | { readonly kind: 'origins'; readonly origins: ReadonlySet<string> };

export type RedirectDecision =
  | { readonly allowed: true; readonly url: string }
  | {
      readonly allowed: false;
      readonly reason: 'not_a_url' | 'scheme' | 'credentials' | 'fragment' | 'origin';
    };

/** Whether a host, as the URL parser spells it, is this machine. */
export const isLoopbackHost = (hostname: string): boolean =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '127.0.0.1' ||
  hostname === '[::1]';

/** White space, control characters and backslashes are read differently by different parsers. */
// oxlint-disable-next-line no-control-regex -- the control characters are what is refused
const confusing = /[\u0000-\u0020\u007f-\u00a0\\\u2028\u2029\ufeff]/;

/**
 * Judges a redirect URL that a caller gave. Anybody can type an address and a URL, so only origins
 * that the operator listed may ever receive a token. Compared is the parsed origin, never the text;
 * stored is the parsed form. In production only https passes; elsewhere http to this machine too.
 */
export const judgeRedirect = (raw: string, rule: RedirectRule, production: boolean): RedirectDecision => {
  if (confusing.test(raw) || !URL.canParse(raw)) return { allowed: false, reason: 'not_a_url' };
  const url = new URL(raw);
  const isHttp = url.protocol === 'http:' && !production;
  if (url.protocol !== 'https:' && !isHttp) return { allowed: false, reason: 'scheme' };
  if (url.username !== '' || url.password !== '') return { allowed: false, reason: 'credentials' };
  if (url.hash !== '') return { allowed: false, reason: 'fragment' };
  const listed = rule.kind === 'any' || rule.origins.has(url.origin);
  if (!listed) return { allowed: false, reason: 'origin' };
  return { allowed: true, url: url.href };
};

/** Reads `https://app.example.com,https://admin.example.com`, or `*`. */
export const parseRedirectOrigins = (text: string): RedirectRule | { readonly problem: string } => {
  if (text.trim() === '*') return { kind: 'any' };
  const origins = new Set<string>();
  for (const part of text
    .split(',')
    .map((p) => p.trim())
    .filter((p) => p !== '')) {
    if (!URL.canParse(part)) return { problem: `${part} is not a URL` };
    const url = new URL(part);
    const hasCredentials = url.username !== '' || url.password !== '';
    // A pattern would be taken for a host of that name, and silently match nothing.
    const isPattern = url.hostname.includes('*');
    const isPlainOrigin =
      url.pathname === '/' && url.search === '' && url.hash === '' && !hasCredentials && !isPattern;
    const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
    if (!isPlainOrigin || !isSafe)
      return { problem: `${part} must be an origin like https://app.example.com` };
    origins.add(url.origin);
  }
  return { kind: 'origins', origins };
};

/** Our own confirmation page may always be the target. */
export const withOwnOrigin = (rule: RedirectRule, publicUrl: string): RedirectRule =>
  rule.kind === 'any'
    ? rule
    : { kind: 'origins', origins: new Set([...rule.origins, new URL(publicUrl).origin]) };

/** The link of a message: the chosen page, or ours, with the token as its only added parameter. */
export const verificationLink = (page: string, token: string): string => {
  const url = new URL(page);
  url.searchParams.set('token', token);
  return url.href;
};
