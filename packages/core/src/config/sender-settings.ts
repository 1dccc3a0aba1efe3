import { isIP } from 'node:net';
import { choice, custom, optional } from './setting.ts';
import { workerSettings } from './worker-settings.ts';

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const selectorPattern = new RegExp(`^${label}(?:\\.${label})*$`);

const readSelectors = (value: string): readonly string[] | { readonly problem: string } => {
  const selectors = value
    .split(',')
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== '');
  const wrong = selectors.find((one) => !selectorPattern.test(one));
  return wrong === undefined
    ? selectors
    : { problem: `must list selectors like s1,s2 or s1._domainkey.mail.example.com; ${wrong} is none` };
};

const readNameServers = (value: string): readonly string[] | undefined | { readonly problem: string } => {
  const servers = value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const wrong = servers.find(
    (one) => isIP(one.replace(/^\[(.*)\](?::\d{1,5})?$/, '$1').replace(/^([\d.]+):\d{1,5}$/, '$1')) === 0,
  );
  if (wrong !== undefined)
    return { problem: `must list addresses like 192.0.2.53 or 192.0.2.53:5353; ${wrong} is none` };
  return servers.length === 0 ? undefined : servers;
};

/** What the API has to know of the sender, which is the worker's to use, in order to examine it. */
export const senderSettings = {
  MAIL_FROM: {
    ...optional(workerSettings.MAIL_FROM),
    describe: 'As the worker has it; here it is only examined (GET /v1/admin/doctor).',
  },
  MAIL_REPLY_TO: {
    ...workerSettings.MAIL_REPLY_TO,
    describe: 'As the worker has it; here it is only examined.',
  },
  SMTP_URL: {
    ...workerSettings.SMTP_URL,
    describe:
      'As the worker has it; here the server is only examined. Leave user and password out where the API need not know them: then the login is not tried.',
  },
  SMTP_TLS: choice({
    values: ['required', 'off'],
    fallback: 'required',
    describe: 'As the worker has it; here it is only examined.',
  }),
  DKIM_SELECTORS: custom(
    {
      form: 's1,s2 or s1._domainkey.mail.example.com',
      fallback: '',
      describe:
        'Selectors that mails are signed under, for the examination. Empty: the ones that the provider usually asks for.',
    },
    readSelectors,
  ),
  DOCTOR_DNS_SERVERS: custom(
    {
      form: '192.0.2.53,[2001:db8::53]:5353',
      fallback: '',
      describe:
        'Name servers that the examination asks. Empty: those of this machine; name others where these see other records than the internet does.',
    },
    readNameServers,
  ),
} as const;
