import { parseArgs } from 'node:util';
import { type DoctorConfig, doctorSettings } from '@reconfirm/core/config/doctor-settings';
import { readSettings, secretNames } from '@reconfirm/core/config/setting';
import { domainOf } from '@reconfirm/core/doctor/domain';
import type { Report } from '@reconfirm/core/doctor/report';
import { senderOf } from '@reconfirm/core/doctor/sender';
import { listProcessNames } from '@reconfirm/db/connected-processes';
import { openDatabase } from '@reconfirm/db/database';
import { readDatabaseClock } from '@reconfirm/db/database-clock';
import { exitMisconfigured, printProblems } from '@reconfirm/process/command-line';
import { readEnvironment } from '@reconfirm/process/environment';
import { examine } from './examine.ts';
import { printReport } from './print-report.ts';

const usage = `Usage: npm run doctor -- [--domain D] [--dkim-selector S]… [--bounce-domain D] [--json] [--help]

Examines whether mail of this installation can arrive: SPF, DKIM, DMARC and MX of the sender's domain, the
SMTP server and its certificate, the bounce address, the clock, webhooks, tracking. Says what is wrong, why
it matters and which record to publish. Changes nothing and sends nothing. Run it where a worker runs, with
its environment; what is not known there is not examined.

  --domain D         examine this domain of From instead of MAIL_FROM's
  --dkim-selector S  instead of DKIM_SELECTORS; may be repeated; s1 or s1._domainkey.mail.example.com
  --bounce-domain D  where bounces go, when your provider uses a name of yours that it does not tell by itself
  --dns-server A     ask this name server (address or address:port) instead of DOCTOR_DNS_SERVERS; may be repeated
  --json             the report as JSON

Settings (docs/configuration.md), or NAME_FILE for secrets:

  ${Object.keys(doctorSettings).join('\n  ')}

Exit code 0: no errors; 1: errors; 78: the settings are not right.`;

const options = {
  domain: { type: 'string' },
  'dkim-selector': { type: 'string', multiple: true },
  'bounce-domain': { type: 'string' },
  'dns-server': { type: 'string', multiple: true },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const readArguments = (args: readonly string[]) => {
  try {
    return { values: parseArgs({ args: [...args], options, strict: true }).values };
  } catch (error) {
    return { problem: `${error instanceof Error ? error.message : String(error)}; try --help` };
  }
};

const main = async (): Promise<number> => {
  const given = readArguments(process.argv.slice(2));
  if ('problem' in given) return fail([given.problem]);
  const { values } = given;
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  const { environment, problems } = readEnvironment(process.env, secretNames(doctorSettings));
  const overrides = {
    ...(values.domain !== undefined && { MAIL_FROM: `postmaster@${values.domain}` }),
    ...(values['dkim-selector'] !== undefined && { DKIM_SELECTORS: values['dkim-selector'].join(',') }),
    ...(values['dns-server'] !== undefined && { DOCTOR_DNS_SERVERS: values['dns-server'].join(',') }),
  };
  const read = readSettings(doctorSettings, { ...environment, ...overrides });
  const noDomains = [values.domain, values['bounce-domain']].filter(
    (name) => name !== undefined && (domainOf(name) === '' || name.includes('@')),
  );
  const all = [
    ...problems,
    ...noDomains.map((name) => `${String(name)} is no domain`),
    ...('problems' in read ? read.problems : []),
  ];
  if (all.length > 0 || 'problems' in read) return fail(all);
  const report = await run(read.config, values['bounce-domain']);
  console.log(
    values.json === true
      ? JSON.stringify(report, null, 2)
      : printReport(report, process.stdout.columns ?? 100),
  );
  return report.verdict === 'error' ? 1 : 0;
};

const run = async (config: DoctorConfig, bounceDomain: string | undefined): Promise<Report> => {
  const url = config.DATABASE_URL?.reveal();
  const db =
    url === undefined
      ? undefined
      : openDatabase({
          url,
          pooler: config.DATABASE_POOLER,
          poolMax: 1,
          timeoutMs: 3000,
          applicationName: 'reconfirm-doctor',
          onIdleError: () => {},
        });
  try {
    return await examine({
      sender: senderOf(config, bounceDomain),
      isApi: false,
      database: db && { clock: () => readDatabaseClock(db), processNames: () => listProcessNames(db) },
      dnsServers: config.DOCTOR_DNS_SERVERS,
    });
  } finally {
    await db?.destroy();
  }
};

const fail = (problems: readonly string[]): number => {
  printProblems(problems);
  return exitMisconfigured;
};

process.exitCode = await main();
