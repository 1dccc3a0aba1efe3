import { createHash, randomBytes } from 'node:crypto';

/** A browser's own secret: it says "the same browser" and nothing else. */
const pattern = /^[A-Za-z0-9_-]{43}$/;

/** Longer than any link lives that asks for it. */
const maxAgeSeconds = 86_400;

export interface BrowserBinding {
  /** What is kept with a message; the secret itself stays in the browser. */
  readonly hash: string;
  readonly setCookie: string;
}

/** `__Host-`: set by this very origin, over https only (RFC 6265bis, 4.1.3.2). */
const cookieName = (isSecure: boolean): string =>
  isSecure ? '__Host-reconfirm-browser' : 'reconfirm-browser';

export const bindingHash = (secret: string): string =>
  createHash('sha256').update(`browser\0${secret}`).digest('base64url');

/** The secret of the browser that sends this Cookie header; undefined for one that has none. */
export const readBrowser = (cookies: string | undefined, isSecure: boolean): string | undefined => {
  const name = cookieName(isSecure);
  for (const pair of (cookies ?? '').split(';')) {
    const [key = '', value = ''] = pair.split('=', 2).map((part) => part.trim());
    if (key === name && pattern.test(value)) return value;
  }
  return undefined;
};

/**
 * Binds a request to its browser: the secret it has, or a new one, kept for another day. Lax, because the
 * link of the mail is followed from another site.
 */
export const bindBrowser = (cookies: string | undefined, isSecure: boolean): BrowserBinding => {
  const secret = readBrowser(cookies, isSecure) ?? randomBytes(32).toString('base64url');
  const attributes = ['Path=/', `Max-Age=${maxAgeSeconds}`, 'HttpOnly', 'SameSite=Lax'];
  return {
    hash: bindingHash(secret),
    setCookie: [`${cookieName(isSecure)}=${secret}`, ...attributes, ...(isSecure ? ['Secure'] : [])].join(
      '; ',
    ),
  };
};
