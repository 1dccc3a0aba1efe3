import type { AddressAnswer, Story } from './admin-api.ts';
import { printAddress, printStory } from './print-story.ts';
import { type Command, type CommandContext, runCommand, UsageProblem } from './run-command.ts';

const usage = `Usage: npm run why -- <address or message id> [--limit N] [--organization ID] [--api URL] [--json] [--help]

Why did no mail (or SMS) come? Asks the API for everything that is known of an e-mail address, a phone
number in international form, or one message: what became of it in a sentence and what to do, then the
whole story from the request to the last report. Of a request that a limit refused there is no message; what
the limits of the address are now is told instead. Shows no link and no code, and charges no limit.

  --limit N          messages of an address at most, 1 to 100; default 5
  --organization ID  whose messages; the first organization's unless given
  --api URL          where the API is, instead of PUBLIC_URL
  --json             the API's own answers

Needs ADMIN_KEY (or ADMIN_KEY_FILE) and PUBLIC_URL, as the API has them. Beside \`npm start\` it needs nothing.

Exit code 0: a message was found; 1: none, or the API did not answer; 78: arguments or settings are not right.`;

const messageIdPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const run = async (context: CommandContext): Promise<number> => {
  const { subject } = context;
  return messageIdPattern.test(subject) ? ofMessage(subject.toLowerCase(), context) : ofAddress(context);
};

const ofMessage = async (id: string, { api, paint, columns, values }: CommandContext): Promise<number> => {
  const story = await api.story(id);
  console.log(values['json'] === true ? JSON.stringify(story, null, 2) : printStory(story, paint, columns));
  return 0;
};

const ofAddress = async (context: CommandContext): Promise<number> => {
  const { api, subject, paint, columns, values } = context;
  const limit = values['limit'] === undefined ? 5 : Number(values['limit']);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100)
    throw new UsageProblem('--limit takes a number from 1 to 100');
  const organization = values['organization'];
  const answer = await api.ofAddress(
    subject,
    limit,
    typeof organization === 'string' ? organization : undefined,
  );
  const newest = await newestOf(answer, context);
  console.log(
    values['json'] === true
      ? JSON.stringify({ ...answer, newest }, null, 2)
      : printAddress(subject, answer, newest, paint, columns),
  );
  return newest === null ? 1 : 0;
};

const newestOf = async ({ messages }: AddressAnswer, { api }: CommandContext): Promise<Story | null> => {
  const [first] = messages;
  return first === undefined ? null : api.story(first.id);
};

const command: Command = { usage, options: { limit: { type: 'string' } }, run };

process.exitCode = await runCommand(command, process.argv.slice(2), process.env);
