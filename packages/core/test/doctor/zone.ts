import {
  createDnsView,
  type DnsAnswer,
  type DnsAnswers,
  type DnsView,
  type MailExchange,
} from '../../src/doctor/dns-view.ts';
import type { DoctorConfig } from '../../src/config/doctor-settings.ts';
import { doctorSettings } from '../../src/config/doctor-settings.ts';
import { readSettings } from '../../src/config/setting.ts';
import { senderOf } from '../../src/doctor/sender.ts';
import type { Sender } from '../../src/doctor/sender.ts';

/** Records of one name: texts, `10 mx.example.com`, addresses. `silent`: the name server does not answer. */
export interface ZoneEntry {
  readonly TXT?: readonly string[];
  readonly MX?: readonly string[];
  readonly address?: readonly string[];
  readonly silent?: boolean;
}

export type Zone = Readonly<Record<string, ZoneEntry>>;

const silence = { kind: 'failed', reason: 'ETIMEOUT' } as const;

/** A map that answers for every name: what a zone does not have is missing. */
const table = <T>(
  zone: Zone,
  valuesOf: (entry: ZoneEntry) => readonly T[] | undefined,
): Map<string, DnsAnswer<T>> => {
  const answers = new Map<string, DnsAnswer<T>>();
  answers.get = (name) => {
    const entry = zone[name];
    if (entry?.silent === true) return silence;
    const values = entry && valuesOf(entry);
    return values === undefined || values.length === 0
      ? { kind: 'missing', nameExists: entry !== undefined }
      : { kind: 'found', values };
  };
  return answers;
};

const exchangeOf = (text: string): MailExchange => {
  const [preference, exchange = ''] = text.split(' ');
  return { preference: Number(preference), exchange };
};

export const answersOf = (zone: Zone): DnsAnswers => ({
  texts: table(zone, ({ TXT }) => TXT),
  exchanges: table(zone, ({ MX }) => MX?.map(exchangeOf)),
  addresses: table(zone, ({ address }) => address),
});

/** The view of a DNS in which everything is known. */
export const viewOf = (zone: Zone): DnsView => createDnsView(answersOf(zone));

/** The sender that these settings make; the domain of From is example.com unless they say otherwise. */
export const senderWith = (
  environment: Readonly<Record<string, string>> = {},
  bounceDomain?: string,
): Sender => {
  const read = readSettings(doctorSettings, { MAIL_FROM: 'App <no-reply@example.com>', ...environment });
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  const config: DoctorConfig = read.config;
  return senderOf(config, bounceDomain);
};

export const mailgun = { EMAIL_PROVIDER: 'mailgun', SMTP_URL: 'smtp://smtp.mailgun.org:587' };
