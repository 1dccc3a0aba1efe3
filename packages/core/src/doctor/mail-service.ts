import type { DnsRecord } from './finding.ts';

/**
 * Whose address bounces go to. `ours`: that of MAIL FROM as we hand it over. `subdomain`: the service
 * uses a name below the sender's domain, which `record` makes. `theirs`: a name of the service's own,
 * unless a custom one is set up there.
 */
export type ReturnPath =
  | { readonly kind: 'ours' }
  | {
      readonly kind: 'subdomain';
      readonly label: string;
      /** What makes the name; missing where the service shows a value of its own for each customer. */
      readonly record?: (name: string) => DnsRecord;
    }
  | { readonly kind: 'theirs' };

/** What a mail service asks of its customers' DNS. */
export interface MailService {
  readonly title: string;
  /** What hosts of its SMTP servers look like. */
  readonly smtpHosts: RegExp;
  /** Targets of `include:`; one of them has to be in the SPF record. The first is suggested. */
  readonly spfIncludes: readonly string[];
  /** Selectors that it usually asks for; empty where each customer gets one of their own. */
  readonly dkimSelectors: readonly string[];
  readonly returnPath: ReturnPath;
  /** It takes the bounces itself and reports them. */
  readonly takesBounces: boolean;
  /** A server of the service over HTTPS, whose Date header is a clock. */
  readonly httpOrigin?: string;
  /** Headers that must stand in each mail, lest the service rewrites links; missing: only its settings decide. */
  readonly trackingOff?: Readonly<Record<string, RegExp>>;
}

/**
 * Services by the name of their provider module, where there is one. Sources: the pages of each on
 * verifying a domain and on tracking headers.
 */
export const mailServices = {
  mailgun: {
    title: 'Mailgun',
    smtpHosts: /(^|\.)mailgun\.org$/,
    spfIncludes: ['mailgun.org', 'eu.mailgun.org'],
    dkimSelectors: ['pdk1', 'pdk2', 'mx', 'k1', 's1', 'smtp', 'pic', 'mailo', 'krs'],
    returnPath: { kind: 'ours' },
    takesBounces: true,
    httpOrigin: 'https://api.mailgun.net',
    trackingOff: {
      'X-Mailgun-Track': /^(?:no|false)$/,
      'X-Mailgun-Track-Clicks': /^(?:no|false)$/,
      'X-Mailgun-Track-Opens': /^(?:no|false)$/,
    },
  },
  ses: {
    title: 'Amazon SES',
    smtpHosts: /^email-smtp(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/,
    spfIncludes: ['amazonses.com'],
    // Three of their own for each domain.
    dkimSelectors: [],
    returnPath: { kind: 'theirs' },
    takesBounces: true,
    httpOrigin: 'https://sts.amazonaws.com',
  },
  sendgrid: {
    title: 'SendGrid',
    smtpHosts: /(^|\.)smtp\.(?:eu\.)?sendgrid\.net$/,
    spfIncludes: ['sendgrid.net'],
    dkimSelectors: ['s1', 's2'],
    returnPath: { kind: 'theirs' },
    takesBounces: true,
    httpOrigin: 'https://api.sendgrid.com',
    trackingOff: { 'X-SMTPAPI': /"clicktrack"\s*:\s*\{\s*"settings"\s*:\s*\{\s*"enable"\s*:\s*0/ },
  },
  postmark: {
    title: 'Postmark',
    smtpHosts: /(^|\.)smtp(?:-broadcasts)?\.postmarkapp\.com$/,
    spfIncludes: ['spf.mtasv.net'],
    // One of their own for each domain, which begins with a date.
    dkimSelectors: [],
    returnPath: {
      kind: 'subdomain',
      label: 'pm-bounces',
      record: (name) => ({ type: 'CNAME', name, value: 'pm.mtasv.net' }),
    },
    takesBounces: true,
    httpOrigin: 'https://api.postmarkapp.com',
    trackingOff: { 'X-PM-TrackOpens': /^false$/i, 'X-PM-TrackLinks': /^none$/i },
  },
  resend: {
    title: 'Resend',
    smtpHosts: /^smtp\.resend\.com$/,
    spfIncludes: ['amazonses.com'],
    dkimSelectors: ['resend'],
    returnPath: {
      kind: 'subdomain',
      label: 'send',
      record: (name) => ({ type: 'TXT', name, value: 'v=spf1 include:amazonses.com ~all' }),
    },
    takesBounces: true,
    httpOrigin: 'https://api.resend.com',
  },
  brevo: {
    title: 'Brevo',
    smtpHosts: /^smtp-relay\.(?:brevo|sendinblue)\.com$/,
    spfIncludes: ['spf.brevo.com', 'spf.sendinblue.com'],
    dkimSelectors: ['brevo1', 'brevo2', 'mail'],
    returnPath: { kind: 'theirs' },
    takesBounces: true,
    httpOrigin: 'https://api.brevo.com',
  },
  google: {
    title: 'Google Workspace',
    smtpHosts: /^(?:smtp|smtp-relay)\.(?:gmail|google)\.com$/,
    spfIncludes: ['_spf.google.com'],
    dkimSelectors: ['google'],
    returnPath: { kind: 'ours' },
    takesBounces: false,
    httpOrigin: 'https://www.google.com',
  },
  microsoft: {
    title: 'Microsoft 365',
    smtpHosts: /^smtp\.office365\.com$|\.mail\.protection\.outlook\.com$/,
    spfIncludes: ['spf.protection.outlook.com'],
    dkimSelectors: ['selector1', 'selector2'],
    returnPath: { kind: 'ours' },
    takesBounces: false,
    httpOrigin: 'https://login.microsoftonline.com',
  },
} as const satisfies Record<string, MailService>;

export type MailServiceName = keyof typeof mailServices;

const isServiceName = (name: string): name is MailServiceName => Object.hasOwn(mailServices, name);

const serviceNames = Object.keys(mailServices).filter(isServiceName);

/** The service behind a provider, or behind an SMTP server by its name; undefined for any other server. */
export const mailServiceName = (
  provider: string,
  smtpHost: string | undefined,
): MailServiceName | undefined =>
  isServiceName(provider)
    ? provider
    : serviceNames.find((name) => mailServices[name].smtpHosts.test(smtpHost ?? ''));
