import type { MailContent, TemplateName } from '../../src/render-request.ts';

export const link = 'https://app.example.com/verify?token=0123456789abcdef&next=%2Fhome';
export const notMeLink = 'https://verify.example.com/not-me?token=fedcba9876543210';
export const code = '402816';
export const maskedNew = 'n•••@e•••.org';

const confirming = {
  link,
  code,
  name: 'Ana María',
  lifetimeSeconds: 86_400,
  codeLifetimeSeconds: 900,
  policy: 'newest_only',
  notMeLink,
} as const;

/** One full mail of each template. A template that is forgotten here does not compile. */
export const fullMails = {
  signup: { template: 'signup', values: confirming },
  recovery: { template: 'recovery', values: confirming },
  magiclink: { template: 'magiclink', values: confirming },
  email_change: { template: 'email_change', values: confirming },
  invitation: {
    template: 'invitation',
    values: { ...confirming, organizationName: 'Studio Acme', inviterName: 'Zoe Smith' },
  },
  email_change_current: {
    template: 'email_change_current',
    values: { ...confirming, newAddressMasked: maskedNew },
  },
  email_changed: {
    template: 'email_changed',
    values: {
      name: 'Ana María',
      undoLink: link,
      lifetimeSeconds: 86_400,
      newAddressMasked: maskedNew,
      notMeLink,
    },
  },
  already_verified: { template: 'already_verified', values: { name: 'Ana María', link, notMeLink } },
  unknown_account: { template: 'unknown_account', values: { name: 'Ana María', link, notMeLink } },
} as const satisfies { readonly [T in TemplateName]: MailContent & { readonly template: T } };

/** Templates that confirm: they have a code, a lifetime and a word on older mails. */
export const confirmingTemplates = [
  'signup',
  'recovery',
  'magiclink',
  'email_change',
  'invitation',
  'email_change_current',
] as const;

/** Notices: nothing is confirmed by them. */
export const notices = ['email_changed', 'already_verified', 'unknown_account'] as const;

export const unescapeHtml = (html: string): string =>
  html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

/** What mail programs make links of in plain words: schemes, `www.`, addresses and dotted names. */
export const linkable =
  /[a-z][a-z0-9+.-]*:\/\/|\bwww\.|\bmailto:|[^\s@<>]+@[^\s@<>\u2060]|[\p{L}\p{N}-]\.\p{L}{2,}/giu;

/** The words that a person reads: markup, style and the mail's own links taken out. */
export const wordsOf = (html: string): string =>
  unescapeHtml(
    html
      .replace(/<style[\s\S]*?<\/style>|<title>[\s\S]*?<\/title>/g, '')
      .replace(/<!--[\s\S]*?-->/g, '')
      .replace(/<[^>]*>/g, ' '),
  );
