import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { purposePoliciesOf } from '@reconfirm/core/config/config';
import { supportedLocales } from '@reconfirm/core/locale';
import { exitMisconfigured } from '@reconfirm/process/command-line';
import { mailSenders } from '../mail-senders.ts';
import { createRenderer } from '../render.ts';
import { type Preview, previewable, previewMessage, previewProblem } from './preview-message.ts';
import { readOrganizationPreviewConfig, readPreviewConfig } from './preview-settings.ts';
import { previewThemes } from './preview-theme.ts';

const usage = `Usage: pnpm preview -- --purpose NAME [--locale TAG] [--theme NAME] [--organization ID] [--out FILE]

Shows a message as it would be sent, to nobody: subject and text are printed, and with --out the HTML goes to FILE
(an SMS is text there too). Its token and code belong to no message and never work.

  --purpose       ${previewable.join(', ')}
  --locale        any BCP 47 tag; there are ${supportedLocales.join(', ')}
  --theme         ${previewThemes.join(', ')}; auto, the default, is what is sent
  --organization  id or slug: its brand, sender, language and lifetimes; needs DATABASE_URL
  --out           a file that is written, or overwritten

Brand, sender and lifetimes are those of the environment (docs/configuration.md), with examples where it is empty.`;

const options = {
  purpose: { type: 'string' },
  locale: { type: 'string' },
  theme: { type: 'string' },
  organization: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** pnpm hands its own `--` on. */
const readArguments = (args: readonly string[]) => {
  try {
    return parseArgs({ args: args[0] === '--' ? args.slice(1) : [...args], options }).values;
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
};

const main = async (): Promise<number> => {
  const args = readArguments(process.argv.slice(2));
  if ('problem' in args) return fail([args.problem]);
  if (args.help === true || args.purpose === undefined) {
    console.log(usage);
    return args.help === true ? 0 : exitMisconfigured;
  }
  const request = { purpose: args.purpose, locale: args.locale, theme: args.theme };
  const problem = previewProblem(request);
  if (problem !== null) return fail([problem]);
  const own = readPreviewConfig(process.env);
  if ('problems' in own) return fail(own.problems);
  const read =
    args.organization === undefined
      ? own
      : await readOrganizationPreviewConfig(own.config, args.organization, process.env['DATABASE_URL']);
  if ('problems' in read) return fail(read.problems);
  const { config } = read;
  const preview = previewMessage(request, {
    renderer: await createRenderer({ brand: { name: config.BRAND_NAME }, supportedLocales }),
    publicUrl: config.PUBLIC_URL,
    supportedLocales,
    sender: mailSenders(() => config)(''),
    policies: purposePoliciesOf(config),
  });
  console.log(described(preview));
  if (args.out === undefined) return 0;
  writeFileSync(args.out, preview.channel === 'email' ? preview.html : preview.text);
  console.log(`\nWritten to ${args.out}`);
  return 0;
};

const described = (preview: Preview): string =>
  preview.channel === 'sms'
    ? `SMS (${preview.locale}), ${preview.encoding}, segments: ${preview.segments}\n\n${preview.text}`
    : `From: ${preview.from}\nSubject: ${preview.subject}\nLanguage: ${preview.locale}\n\n${preview.text}`;

const fail = (problems: readonly string[]): number => {
  for (const problem of problems) console.error(problem);
  console.error('Try --help.');
  return exitMisconfigured;
};

process.exitCode = await main();
