/** What a check looks at, in the order of the report. */
export const checkNames = [
  'sender',
  'spf',
  'dkim',
  'dmarc',
  'mx',
  'bounce_address',
  'smtp',
  'clock',
  'webhook',
  'tracking',
  'settings',
] as const;

export type CheckName = (typeof checkNames)[number];

/**
 * `error`: mail is lost, refused or forged today. `warning`: it works, but less well than it should.
 * `unknown`: it could not be found out; then `doThis` says how to.
 */
export type Severity = 'ok' | 'warning' | 'error' | 'unknown';

/** One record as it has to be entered at the DNS host; an MX value begins with its preference. */
export interface DnsRecord {
  readonly type: 'TXT' | 'MX' | 'CNAME';
  readonly name: string;
  readonly value: string;
}

/** One sentence each, for a person who does not know the protocols. */
export interface Advice {
  readonly what: string;
  readonly why: string;
  readonly doThis: string;
  readonly record?: DnsRecord;
}

export type Finding =
  | { readonly check: CheckName; readonly severity: 'ok'; readonly what: string }
  | (Advice & { readonly check: CheckName; readonly severity: Exclude<Severity, 'ok'> });

export const ok = (check: CheckName, what: string): Finding => ({ check, severity: 'ok', what });

export const found = (
  check: CheckName,
  severity: Exclude<Severity, 'ok'>,
  { record, ...advice }: Omit<Advice, 'record'> & { readonly record?: DnsRecord | undefined },
): Finding => ({ check, severity, ...advice, ...(record && { record }) });
