import { setTimeout as delay } from 'node:timers/promises';
import { reportsDeliveries } from '@reconfirm/core/delivery-state';
import type { Story } from './admin-api.ts';
import { printEntry, printVerdict } from './print-story.ts';
import { type Command, type CommandContext, runCommand, UsageProblem } from './run-command.ts';

const usage = `Usage: npm run test-message -- <address> [--purpose P] [--locale L] [--organization ID] [--wait S] [--api URL] [--json] [--help]

Sends a test message to an e-mail address or a phone number through the queue, a worker, the template and the
provider, like every message, and prints what happens until it is settled. Its link and code open nothing. An
SMS costs what an SMS costs.

  --purpose P        which message it looks like: signup, recovery, magiclink, invitation, email_change, or sms, phone_change
  --locale L         in which language, like pt-BR
  --organization ID  whose sender and brand; the first organization's unless given
  --wait S           seconds to wait for the end, 1 to 3600; default 60
  --api URL          where the API is, instead of PUBLIC_URL
  --json             the story as JSON, at the end

Needs ADMIN_KEY (or ADMIN_KEY_FILE) and PUBLIC_URL, as the API has them. Beside \`npm start\` it needs nothing.

Exit code 0: the provider took it (and has not refused it since); 1: it failed, or waits after the time given, or
the API did not answer; 78: arguments or settings are not right.`;

const pollMs = 500;

const run = async (context: CommandContext): Promise<number> => {
  const { api, paint, columns, subject, values } = context;
  const waitSeconds = values['wait'] === undefined ? 60 : Number(values['wait']);
  if (!(waitSeconds >= 1 && waitSeconds <= 3600))
    throw new UsageProblem('--wait takes seconds from 1 to 3600');
  const asJson = values['json'] === true;
  const id = await api.sendTest({
    ...(/^\s*\+|^00/.test(subject) ? { phone: subject } : { email: subject }),
    ...optionOf(values, 'purpose', 'purpose'),
    ...optionOf(values, 'locale', 'locale'),
    ...optionOf(values, 'organization', 'organizationId'),
  });
  const told = new Set<string>();
  const tell = (story: Story): void => {
    for (const entry of story.timeline) {
      const key = `${entry.at} ${entry.what}`;
      if (!asJson && !told.has(key)) console.log(printEntry(entry, paint, columns));
      told.add(key);
    }
  };
  const story = await follow(context, id, waitSeconds, tell);
  console.log(
    asJson
      ? JSON.stringify(story, null, 2)
      : `\n${printVerdict(story, paint, columns)}\n${paint.faint(`Message ${id}; times are UTC.`)}`,
  );
  return ['SENT', 'DELIVERED'].includes(story.message.state) ? 0 : 1;
};

/** Until nothing more is to be expected, or the time is over. */
const follow = async (
  { api }: CommandContext,
  id: string,
  waitSeconds: number,
  tell: (story: Story) => void,
): Promise<Story> => {
  const endMs = performance.now() + waitSeconds * 1000;
  for (;;) {
    const story = await api.story(id);
    tell(story);
    if (isOver(story) || performance.now() + pollMs > endMs) return story;
    await delay(pollMs);
  }
};

const isOver = ({ message: { state, channel, provider } }: Story): boolean =>
  state !== 'QUEUED' && (state !== 'SENT' || !reportsDeliveries(channel, provider));

const optionOf = (values: CommandContext['values'], flag: string, name: string): Record<string, string> => {
  const value = values[flag];
  return typeof value === 'string' ? { [name]: value } : {};
};

const options = {
  purpose: { type: 'string' },
  locale: { type: 'string' },
  wait: { type: 'string' },
} as const;
const command: Command = { usage, options, run };

process.exitCode = await runCommand(command, process.argv.slice(2), process.env);
