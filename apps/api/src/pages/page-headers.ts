export interface PageHeadersInput {
  /** 128 or more random bits in base64 or hex, made anew for each answer. Throws on any other signs. */
  readonly nonce: string;
  /** Origins besides our own that the answer to a form may lead to; browsers hold the redirect against the policy too. */
  readonly formTargets?: readonly string[];
  /** Only the demo page has a script. */
  readonly hasScript: boolean;
}

/**
 * The headers that every page is answered with. The policy lets the page use its own style, its
 * own script (where it has one), its own forms and its own API, and nothing else.
 */
export const pageHeaders = ({
  nonce,
  hasScript,
  formTargets = [],
}: PageHeadersInput): Readonly<Record<string, string>> => {
  // A sign such as ; or ' would add a directive to the policy (CSP 3, 2.3.1: base64-value).
  if (!/^[A-Za-z0-9+/_-]{22,}={0,2}$/.test(nonce))
    throw new RangeError('The nonce has to be base64 of 16 bytes or more.');
  const policy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    // The empty icon of the pages, which keeps browsers from asking for /favicon.ico.
    'img-src data:',
    ...(hasScript ? [`script-src 'nonce-${nonce}'`, "connect-src 'self'"] : []),
    ["form-action 'self'", ...formTargets.map(plainOrigin)].join(' '),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    // The address of the confirmation page holds the token. Its origin alone may be passed on;
    // no-referrer would make browsers send the form with `Origin: null`.
    'referrer-policy': 'strict-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
};

/** An origin and nothing that could add a directive to the policy. */
const plainOrigin = (text: string): string => {
  const { origin } = new URL(text);
  if (origin !== text || origin === 'null') throw new RangeError('A form can only lead to an origin.');
  return origin;
};
