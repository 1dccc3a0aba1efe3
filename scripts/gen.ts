import { readFile, writeFile } from 'node:fs/promises';
import { apiSettings } from '../packages/core/src/config/api-settings.ts';
import { apiFailPointSettings } from '../packages/core/src/config/fail-point-settings.ts';
import type { Setting, Settings } from '../packages/core/src/config/setting.ts';
import { sharedSettings } from '../packages/core/src/config/shared-settings.ts';
import { workerSettings } from '../packages/core/src/config/worker-settings.ts';
import { type ErrorCode, errorCodes } from '../packages/core/src/error-codes.ts';
import { notSentReasons, putOffReasons } from '../packages/core/src/resolve.ts';

const usage = `Usage: node scripts/gen.ts [--check] [--help]

Writes the documents that are made from code: docs/configuration.md, docs/errors.md, .env.example.
--check writes nothing and exits with 1 when one of them is not what the code says.`;

const notice = '<!-- Made from code by `pnpm gen`; change the code, not this page. -->';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const defaultOf = (setting: Setting<unknown>): string => {
  if (setting.fallback === undefined) return '**required**';
  return setting.fallback === '' ? '—' : `\`${setting.fallback}\``;
};

const settingTable = (settings: Settings): string =>
  [
    '| setting | default | form | what it does |',
    '| --- | --- | --- | --- |',
    ...Object.entries(settings).map(
      ([name, setting]) =>
        `| \`${name}\`${setting.secret ? ' 🔑' : ''} | ${defaultOf(setting)} | ${cell(setting.form)} | ${cell(setting.describe)} |`,
    ),
  ].join('\n');

const without = (settings: Settings, others: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !(name in others)));

const configuration = `${notice}

# Configuration

Settings are environment variables. Those with 🔑 are secrets: they print as \`[secret]\` everywhere.
Secrets and connection URLs can also be given as \`NAME_FILE\`, the path of a file that holds the value.

A process that finds a setting wrong says all that is wrong in one go and ends with exit code 78.
\`node apps/api/src/main.ts --check\` and \`node apps/mailer-worker/src/main.ts --check\` do only that.

**Limits** are written \`count/seconds\`: \`5/3600\` means at most five in any hour, \`1/60\` one a minute.
Several are separated by commas and all of them hold: \`1/60,10/86400\`. \`off\` means none.

## Both processes

These must be the same for the API and the workers.

${settingTable(sharedSettings)}

## apps/api

${settingTable(without(apiSettings, sharedSettings))}

## apps/mailer-worker

${settingTable(without(workerSettings, sharedSettings))}
`;

const errorRow = ([reason, error]: [string, ErrorCode]): string =>
  `| <a id="${reason.toLowerCase()}"></a>\`${reason}\` | ${error.status} | \`${error.documented}\` | \`${error.specific}\` | ${cell(error.when)} |`;

const errors = `${notice}

# Errors

Every error is a problem detail (RFC 9457, \`application/problem+json\`): \`type\`, \`title\`, \`status\`,
\`detail\`, \`instance\`, and besides

- \`reason\`: the specific cause; no setting changes its spelling, so rely on this one,
- \`code\`: what the contract documents; \`ERROR_CODES\` chooses its spelling (\`documented\` or \`specific\`),
- \`errors\`: for 400, each field at fault with \`field\`, \`message\`, \`code\`; the value is never repeated, because it may be a token,
- \`requestId\`: under which the log tells more.

A 429 carries \`Retry-After\`: a client that waits exactly that long is accepted.

| reason | status | code (\`documented\`) | code (\`specific\`) | when |
| --- | --- | --- | --- | --- |
${Object.entries(errorCodes).map(errorRow).join('\n')}

## Why a message was not sent

An accepted request may turn out to need no mail. The caller is not told; the operator reads the
\`reason\` at \`GET /v1/admin/messages/:id\`.

| reason | meaning |
| --- | --- |
${Object.entries(notSentReasons)
  .map(([reason, meaning]) => `| \`${reason}\` | ${cell(meaning)} |`)
  .join('\n')}

And one that is due may be put off until an operator acts; the log says so at level \`error\`.

| reason | meaning |
| --- | --- |
${Object.entries(putOffReasons)
  .map(([reason, meaning]) => `| \`${reason}\` | ${cell(meaning)} |`)
  .join('\n')}
`;

const exampleLine = ([name, setting]: [string, Setting<unknown>]): string =>
  `# ${setting.describe.replaceAll('\n', ' ')}\n${setting.fallback === undefined ? '' : '# '}${name}=${setting.fallback ?? ''}`;

const example = `# Made from code by \`pnpm gen\`. Copy to .env and fill in what has no default.

${Object.entries(without({ ...sharedSettings, ...apiSettings, ...workerSettings }, apiFailPointSettings))
  .map(exampleLine)
  .join('\n\n')}
`;

const documents = {
  'docs/configuration.md': configuration,
  'docs/errors.md': errors,
  '.env.example': example,
};

const main = async (): Promise<number> => {
  if (process.argv.includes('--help')) {
    console.log(usage);
    return 0;
  }
  const stale: string[] = [];
  for (const [path, content] of Object.entries(documents)) {
    const url = new URL(`../${path}`, import.meta.url);
    const current = await readFile(url, 'utf8').catch(() => '');
    if (current === content) continue;
    if (process.argv.includes('--check')) stale.push(path);
    else await writeFile(url, content);
  }
  if (stale.length > 0)
    console.error(`Out of date: ${stale.join(', ')}. Run \`pnpm gen\` and commit what it changes.`);
  return stale.length > 0 ? 1 : 0;
};

process.exitCode = await main();
