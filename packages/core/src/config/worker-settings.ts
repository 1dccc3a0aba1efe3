import { bounceSettings } from './bounce-settings.ts';
import { workerFailPointSettings } from './fail-point-settings.ts';
import { failoverSettings } from './failover-settings.ts';
import { lookupSettings } from './lookup-settings.ts';
import { rateSetting } from './rate-setting.ts';
import { choice, custom, integer, optional, secretUrl, text } from './setting.ts';
import { providerWorkerSettings } from './provider-settings.ts';
import { sharedSettings } from './shared-settings.ts';
import { smsWorkerSettings } from './sms-settings.ts';

/** `Name <a@b>` or `a@b`, nothing that could break out of a header. */
const sender = (
  value: string,
): { readonly name: string; readonly address: string } | { readonly problem: string } => {
  const match = /^(?:([^<>"\r\n]*?)\s*<([^<>\s@]+@[^<>\s@]+)>|([^<>\s@]+@[^<>\s@]+))$/.exec(value.trim());
  const address = match?.[2] ?? match?.[3];
  return address === undefined
    ? { problem: 'must look like Name <no-reply@example.com>' }
    : { name: match?.[1] ?? '', address };
};

/** Settings of apps/mailer-worker. */
export const workerSettings = {
  ...sharedSettings,
  OPS_HOST: text({
    form: 'an address',
    fallback: '0.0.0.0',
    describe: 'Address of the health and metrics port.',
  }),
  OPS_PORT: integer({
    min: 0,
    max: 65_535,
    fallback: '3081',
    describe: 'Port of /livez, /readyz and /metrics; 0 takes a free one.',
  }),
  SMTP_URL: optional(
    secretUrl({
      schemes: ['smtp:', 'smtps:'],
      form: 'smtp://user:password@smtp.example.com:587',
      describe:
        'Server that takes the mail. Required with EMAIL_PROVIDER=smtp; the other providers’ servers are known, see SMTP_PASSWORD.',
    }),
  ),
  ...providerWorkerSettings,
  ...failoverSettings,
  SMTP_TLS: choice({
    values: ['required', 'off'],
    fallback: 'required',
    describe: 'STARTTLS is demanded and the certificate checked. off is for a local inbox only.',
  }),
  SMTP_POOL_MAX: integer({
    min: 1,
    max: 100,
    fallback: '10',
    describe: 'Most SMTP connections of one worker.',
  }),
  SEND_TIMEOUT_SECONDS: integer({
    min: 1,
    max: 120,
    fallback: '30',
    describe: 'Hard deadline of one hand-over, whatever the server does.',
  }),
  MAIL_FROM: custom(
    {
      form: 'Name <no-reply@example.com>',
      describe: 'Sender of every mail; its domain also ends our Message-IDs.',
    },
    sender,
  ),
  MAIL_REPLY_TO: optional(
    custom({ form: 'support@example.com', describe: 'Where answers go, when not to the sender.' }, sender),
  ),
  ...bounceSettings,
  WORKER_CONCURRENCY: integer({
    min: 1,
    max: 500,
    fallback: '64',
    describe:
      'Messages in hand at once. More than the SMTP connections, so that these never wait for the database.',
  }),
  SEND_RATE: rateSetting(
    'Most hand-overs of all workers together, for instance 100/1; spread evenly, so 600/60 means ten a second. The most urgent go first. While the queue is away each worker keeps to it by itself. Empty: no limit.',
  ),
  EVENT_CONCURRENCY: integer({
    min: 1,
    max: 200,
    fallback: '32',
    describe:
      'Events on their way to host applications at once, of one worker; at most four to one endpoint, and one while it fails. Messages to people do not wait for them.',
  }),
  LEASE_SECONDS: integer({
    min: 3,
    max: 300,
    fallback: '10',
    describe:
      'How long a message stays with a worker that has stopped renewing it; a killed worker costs this plus one sweep.',
  }),
  SWEEP_INTERVAL_MS: integer({
    min: 200,
    max: 60_000,
    fallback: '2000',
    describe: 'How often rows that are due are looked for, rung again, or delivered without Redis.',
  }),
  ...smsWorkerSettings,
  ...lookupSettings,
  RETENTION_DAYS: integer({
    min: 8,
    max: 3650,
    fallback: '30',
    describe:
      'Age at which settled messages, their attempts and events are deleted. Unfinished ones never are.',
  }),
  PENDING_ACCOUNT_DAYS: integer({
    min: 0,
    max: 3650,
    fallback: '0',
    describe:
      'Age at which an account that never proved an address or a number is deleted, with the event account.lapsed. One with a message on its way, a link or code that works or a live session stays. 0 keeps them for ever: whether its accounts may go is for the application to say.',
  }),
  ...workerFailPointSettings,
} as const;
