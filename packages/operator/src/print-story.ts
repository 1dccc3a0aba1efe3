import type { AddressAnswer, Message, Story } from './admin-api.ts';
import type { Paint } from './paint.ts';

const stateWidth = 12;
const timeWidth = 21;

/** In UTC, to the second. */
export const instant = (at: string): string => at.slice(0, 19).replace('T', ' ');

const wrap = (text: string, width: number, indent: string): string => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${indent}`);
};

/** As wide as is read well, in a terminal of `columns`. */
const textWidth = (columns: number, indent: number): number => Math.max(30, Math.min(columns, 110) - indent);

export const printEntry = (entry: Story['timeline'][number], paint: Paint, columns: number): string => {
  const indent = ' '.repeat(timeWidth);
  const width = textWidth(columns, timeWidth);
  const what = wrap(entry.what, width, indent);
  const detail =
    entry.detail === undefined ? '' : `\n${indent}${paint.faint(wrap(entry.detail, width, indent))}`;
  return `${paint.faint(instant(entry.at).padEnd(timeWidth))}${what}${detail}`;
};

const channelWord = ({ channel }: Message): string => (channel === 'sms' ? 'SMS' : 'e-mail');

/** What became of it and why, before anything else; then how it came to that. */
export const printVerdict = ({ message, summary }: Story, paint: Paint, columns: number): string => {
  const by = message.provider === null ? '' : ` by ${message.provider}`;
  return [
    `${paint.state(message.state)}  ${message.purpose} by ${channelWord(message)}${by}, asked for at ${instant(message.acceptedAt)} UTC`,
    paint.strong(wrap(summary, textWidth(columns, 0), '')),
  ].join('\n');
};

/** One message from the request to what is known last. */
export const printStory = (story: Story, paint: Paint, columns: number): string =>
  [
    printVerdict(story, paint, columns),
    '',
    ...story.timeline.map((entry) => printEntry(entry, paint, columns)),
    '',
    paint.faint(`Message ${story.message.id}; times are UTC.`),
  ].join('\n');

const printLine = (message: Message, paint: Paint): string =>
  `${paint.state(message.state, stateWidth)} ${paint.faint(instant(message.acceptedAt))}  ${message.purpose.padEnd(14)} ${paint.faint(message.id)}${message.reason === null ? '' : `  ${message.reason}`}`;

/** An address: its newest message in full, the others in a line each, and what its limits say. */
export const printAddress = (
  address: string,
  answer: AddressAnswer,
  newest: Story | null,
  paint: Paint,
  columns: number,
): string => {
  const earlier = answer.messages.slice(1);
  const limits = answer.limitsSummary;
  return [
    paint.strong(address),
    '',
    ...(newest === null
      ? ['No message for this address is on record: nothing was asked for, or a limit refused it.']
      : [printStory(newest, paint, columns)]),
    ...(earlier.length === 0
      ? []
      : ['', paint.strong('Before that'), ...earlier.map((message) => printLine(message, paint))]),
    ...(limits === undefined
      ? []
      : ['', `${paint.strong('Limits')}  ${wrap(limits, textWidth(columns, 8), ' '.repeat(8))}`]),
    ...(answer.addressLabel === undefined
      ? []
      : [paint.faint(`        The log speaks of it as addressLabel ${answer.addressLabel}.`)]),
  ].join('\n');
};
