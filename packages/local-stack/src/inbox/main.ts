import { parseArgs } from 'node:util';
import { StackError } from '../stack-error.ts';
import { startInbox } from './start-inbox.ts';

const HELP = `An SMTP server and an SMS gateway that keep every message and show it on a page and a JSON API.

  node packages/local-stack/src/inbox/main.ts [options]

  --smtp-port N   port of the SMTP server on 127.0.0.1 (default 3025, 0 for any)
  --http-port N   port of the page and the API on 127.0.0.1 (default 3080, 0 for any)
  --or-any-port   take any free port in place of one that is in use
  --dir PATH      keep the mails in this folder; without it they are gone at the end
  --help          this text

  GET    /                                        the page
  GET    /api/messages?to=&after=                 what arrived, oldest first
  GET    /api/messages/next?to=&after=&timeoutMs= the first such message, or 408 when none arrives in time
  GET    /api/messages/:id                        from, to, subject, text, html, headers, links, code
  GET    /api/messages/:id/raw                    as received
  DELETE /api/messages                            forget all
  POST   /sms                                     takes an SMS as the gateway of SMS_PROVIDER=http (docs/sms.md)

Recipients that play a fault: bounce@ (550 5.1.1), defer@ (451 4.7.1), greylist@ (451 once, then accepted).
Recipients at simulator.reconfirm.test play these and more: deliver@, late-bounce@, complaint@ and reject@ are taken, and
what became of them is reported, as Mailgun does, to INBOX_WEBHOOK_URL, signed with INBOX_WEBHOOK_KEY. silent@ is taken
and nothing is reported. With NODE_ENV=production the inbox reports to nobody.
Numbers that play one: ending in 0001 (no such number), 0002 (503, try again), 0003 (taken, but no answer comes).
`;

const OPTIONS = {
  'smtp-port': { type: 'string', default: '3025' },
  'http-port': { type: 'string', default: '3080' },
  'or-any-port': { type: 'boolean', default: false },
  dir: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

const portFrom = (name: string, text: string): number => {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new StackError('usage', `--${name} takes a port number, not "${text}".`);
};

type Flags = {
  smtpPort: number;
  httpPort: number;
  orAnyPort: boolean;
  dir: string | undefined;
  help: boolean;
};

const parseFlags = (): Flags => {
  try {
    const { values } = parseArgs({ options: OPTIONS });
    return {
      smtpPort: portFrom('smtp-port', values['smtp-port']),
      httpPort: portFrom('http-port', values['http-port']),
      orAnyPort: values['or-any-port'],
      dir: values.dir,
      help: values.help,
    };
  } catch (error) {
    throw new StackError('usage', `${error instanceof Error ? error.message : String(error)} See --help.`);
  }
};

/** An installation that serves people must not believe what a simulator says. */
const reportTargetOf = (env: NodeJS.ProcessEnv): { url: string; signingKey: string } | undefined => {
  const { INBOX_WEBHOOK_URL: url = '', INBOX_WEBHOOK_KEY: signingKey = '' } = env;
  if (url === '') return undefined;
  if (env['NODE_ENV'] === 'production')
    throw new StackError(
      'usage',
      'INBOX_WEBHOOK_URL is for development and tests, and NODE_ENV is production.',
    );
  if (!URL.canParse(url) || signingKey === '')
    throw new StackError('usage', 'INBOX_WEBHOOK_URL takes a URL, and needs INBOX_WEBHOOK_KEY.');
  return { url, signingKey };
};

const main = async (): Promise<void> => {
  const { smtpPort, httpPort, orAnyPort, dir, help } = parseFlags();
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const inbox = await startInbox({
    smtpPort,
    httpPort,
    orAnyPort,
    reportTo: reportTargetOf(process.env),
    ...(dir !== undefined && { dir }),
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      void inbox.stop().finally(() => process.exit(0));
    });
  }
  process.stdout.write(`inbox ready ${inbox.smtpUrl} ${inbox.httpUrl}\n`);
};

try {
  await main();
} catch (error) {
  process.stderr.write(
    `${error instanceof StackError ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exitCode = error instanceof StackError && error.code === 'usage' ? 2 : 1;
}
