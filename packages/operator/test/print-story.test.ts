import { expect, test } from 'vitest';
import type { Message, Story } from '../src/admin-api.ts';
import { createPaint, isColored } from '../src/paint.ts';
import { printAddress, printStory } from '../src/print-story.ts';

const message: Message = {
  id: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01',
  channel: 'email',
  purpose: 'signup',
  contract: 'v1',
  state: 'FAILED',
  reason: 'recipient_refused',
  provider: 'smtp',
  acceptedAt: '2026-11-18T00:00:00.123Z',
};
const story: Story = {
  message,
  summary:
    'It failed for good: the mail server refused the recipient. Check the address with the person; a correction needs a new request.',
  timeline: [
    { at: '2026-11-18T00:00:00.123Z', what: 'The request was accepted.' },
    {
      at: '2026-11-18T00:00:02.000Z',
      what: 'Attempt 1 by smtp: It was refused for good.',
      detail: 'the mail server refused the recipient: 550 5.1.1 No such user',
    },
  ],
};
const plain = createPaint(false);

test('what became of it and why come first, then the story in UTC, each line no wider than the terminal', () => {
  expect(printStory(story, plain, 80))
    .toBe(`FAILED  signup by e-mail by smtp, asked for at 2026-11-18 00:00:00 UTC
It failed for good: the mail server refused the recipient. Check the address
with the person; a correction needs a new request.

2026-11-18 00:00:00  The request was accepted.
2026-11-18 00:00:02  Attempt 1 by smtp: It was refused for good.
                     the mail server refused the recipient: 550 5.1.1 No such
                     user

Message 0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01; times are UTC.`);
});

test('of an address the newest message is told in full, the others in a line, and then the limits', () => {
  const answer = {
    messages: [message, { ...message, id: 'older', state: 'NOT_SENT', reason: 'superseded' } as const],
    limitsSummary: 'No limit of this address is used up now.',
    addressLabel: 'h:1234abcd',
  };
  const lines = printAddress('ada@example.com', answer, story, plain, 100).split('\n');
  expect(lines[0]).toBe('ada@example.com');
  expect(lines).toContain('Before that');
  expect(lines).toContain('NOT_SENT     2026-11-18 00:00:00  signup         older  superseded');
  expect(lines).toContain('Limits  No limit of this address is used up now.');
  expect(lines.at(-1)).toContain('addressLabel h:1234abcd');
  expect(printAddress('x@y.example', { messages: [] }, null, plain, 100)).toContain('No message');
});

test('colours are for a terminal whose owner wants them, and change no letter', () => {
  expect(isColored({ isTTY: true }, {})).toBe(true);
  expect(isColored({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(isColored({}, {})).toBe(false);
  const colored = printStory(story, createPaint(true), 80);
  expect(colored).toContain('\u001b[');
  // eslint-disable-next-line no-control-regex -- what colours are made of
  expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(printStory(story, plain, 80));
});
