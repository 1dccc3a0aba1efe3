import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isAddressRange } from '../client-address.ts';
import type { Secret } from '../secret.ts';
import { custom, optional, secret, secretUrl, text } from './setting.ts';

type Or<T> = T | { readonly problem: string };

/** RFC 1035 in small letters; with the 61 characters of the local part a path stays below 254 octets. */
const domainPattern =
  /^(?=.{4,180}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

const readDomain = (value: string): Or<string> =>
  domainPattern.test(value.toLowerCase())
    ? value.toLowerCase()
    : { problem: 'must be a domain like bounces.example.com' };

/** Where a listener binds. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

const readListenAddress = (value: string): Or<ListenAddress> => {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+):(\d{1,5})$/i.exec(value) ?? [];
  return host !== undefined && Number(port) <= 65_535
    ? { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
    : { problem: 'must be an address and a port like 0.0.0.0:2525 or [::]:2525' };
};

/** Who may report complaints about messages by their Message-ID alone. */
export interface FeedbackSources {
  readonly ranges: readonly string[];
  /** In small letters; hosts below them count as well. */
  readonly domains: readonly string[];
}

const readFeedbackSources = (value: string): Or<FeedbackSources> => {
  const parts = value
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== '');
  const ranges = parts.filter(isAddressRange);
  const domains = parts.filter((part) => !isAddressRange(part));
  const wrong = domains.find((domain) => !domainPattern.test(domain));
  return wrong === undefined
    ? { ranges, domains }
    : { problem: `must list addresses, ranges and domains; ${JSON.stringify(wrong)} is none` };
};

/** Settings by which the worker hears of bounces and complaints where mail goes out by plain SMTP. */
export const bounceSettings = {
  BOUNCE_DOMAIN: optional(
    custom(
      {
        form: 'bounces.example.com',
        describe:
          'Domain that bounces come back to (docs/bounces.md). With EMAIL_PROVIDER=smtp every mail gets an envelope sender of its own there. Empty: bounces go to MAIL_FROM, and SENT is the last that is known.',
      },
      readDomain,
    ),
  ),
  BOUNCE_LISTEN: optional(
    custom(
      {
        form: '0.0.0.0:2525',
        describe:
          'Where this worker takes bounces and complaints by SMTP; the MX of BOUNCE_DOMAIN leads here. Needs BOUNCE_DOMAIN.',
      },
      readListenAddress,
    ),
  ),
  BOUNCE_TLS_CERT: optional(
    secret(
      text({
        form: 'PEM, with the chain',
        describe: 'Certificate of that listener. With it STARTTLS is offered; read at start.',
      }),
    ),
  ),
  BOUNCE_TLS_KEY: optional(secret(text({ form: 'PEM', describe: 'Its private key.' }))),
  BOUNCE_FEEDBACK_SOURCES: custom(
    {
      form: '192.0.2.0/24,fbl.example.net',
      fallback: '',
      describe:
        'Feedback loops whose complaints count by Message-ID: address ranges, or domains of hosts whose name and address confirm each other in DNS. Other complaints count only with one of our bounce addresses in them. Needs BOUNCE_LISTEN.',
    },
    readFeedbackSources,
  ),
  BOUNCE_IMAP: optional(
    secretUrl({
      schemes: ['imaps:', 'imap:'],
      form: 'imaps://user:password@imap.example.com:993/INBOX',
      describe:
        'Mailbox that bounces are read from, besides or in place of BOUNCE_LISTEN. imap:// demands STARTTLS, except on this machine. Needs BOUNCE_DOMAIN.',
    }),
  ),
  BOUNCE_IMAP_DONE: optional(
    text({
      form: 'Done',
      describe:
        'Folder that mails of that mailbox are moved to once they are counted. Empty: they are marked as read, and mails that were read before are left alone.',
    }),
  ),
} as const;

interface BounceConfig {
  readonly BOUNCE_DOMAIN: string | undefined;
  readonly BOUNCE_LISTEN: ListenAddress | undefined;
  readonly BOUNCE_TLS_CERT: Secret | undefined;
  readonly BOUNCE_TLS_KEY: Secret | undefined;
  readonly BOUNCE_FEEDBACK_SOURCES: FeedbackSources;
  readonly BOUNCE_IMAP: Secret | undefined;
  readonly BOUNCE_IMAP_DONE: string | undefined;
}

const certificateProblem = ({ BOUNCE_TLS_CERT, BOUNCE_TLS_KEY }: BounceConfig): string | null => {
  if (BOUNCE_TLS_CERT === undefined && BOUNCE_TLS_KEY === undefined) return null;
  if (BOUNCE_TLS_CERT === undefined || BOUNCE_TLS_KEY === undefined)
    return 'BOUNCE_TLS_CERT and BOUNCE_TLS_KEY are required together';
  try {
    const key = createPrivateKey(BOUNCE_TLS_KEY.reveal());
    return new X509Certificate(BOUNCE_TLS_CERT.reveal()).checkPrivateKey(key)
      ? null
      : 'BOUNCE_TLS_KEY is not the key of BOUNCE_TLS_CERT';
  } catch {
    // What the parser says may quote the key.
    return 'BOUNCE_TLS_CERT and BOUNCE_TLS_KEY must be PEM';
  }
};

/** Rules between the settings of bounces. */
export const bounceProblems = (config: BounceConfig): readonly string[] => {
  const problems: string[] = [];
  for (const name of ['BOUNCE_LISTEN', 'BOUNCE_IMAP'] as const)
    if (config[name] !== undefined && config.BOUNCE_DOMAIN === undefined)
      problems.push(`BOUNCE_DOMAIN is required with ${name}: a bounce is known by its address there`);
  const { ranges, domains } = config.BOUNCE_FEEDBACK_SOURCES;
  if (ranges.length + domains.length > 0 && config.BOUNCE_LISTEN === undefined)
    problems.push('BOUNCE_LISTEN is required with BOUNCE_FEEDBACK_SOURCES: a mailbox does not say who sent');
  const certificate = certificateProblem(config);
  if (certificate !== null) problems.push(certificate);
  const mailbox = config.BOUNCE_IMAP === undefined ? undefined : new URL(config.BOUNCE_IMAP.reveal());
  if (mailbox !== undefined && (mailbox.username === '' || mailbox.password === ''))
    problems.push('BOUNCE_IMAP must name a user and a password');
  return problems;
};
