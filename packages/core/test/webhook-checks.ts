import type {
  ProviderWebhook,
  WebhookRequest,
  WebhookSettings,
  WebhookVerdict,
} from '../src/providers/provider.ts';
import { type KeyName, now, type Signed, signedAtSeconds, type WebhookCase } from './webhook-cases.ts';
import type { Fixture } from './webhook-fixtures.ts';

type Verify = ProviderWebhook['verify'];

/** A check says what it found wrong, or nothing. The verifier is given, so that a broken one can be. */
export interface WebhookCheck {
  readonly name: string;
  /** Providers of which this cannot be asked, because of how they prove who they are. */
  readonly applies: (of: WebhookCase) => boolean;
  readonly find: (of: WebhookCase, verify: Verify) => string | undefined;
}

const always = (): boolean => true;
const hasTime = (of: WebhookCase): boolean => of.hasTime;

const good: Signed = {
  key: 'current',
  atSeconds: signedAtSeconds,
  id: 'f0e1d2c3-b4a5-9687-8695-a4b3c2d1e0f0',
};

interface Attempt {
  readonly signed?: Partial<Signed>;
  readonly keys?: readonly KeyName[];
  readonly settings?: Partial<WebhookSettings>;
  readonly change?: (request: WebhookRequest) => WebhookRequest;
  readonly fixture?: Fixture;
}

const judge = (of: WebhookCase, verify: Verify, attempt: Attempt = {}): WebhookVerdict => {
  const request = of.sign(attempt.fixture ?? of.first, { ...good, ...attempt.signed });
  const { change = (same: WebhookRequest) => same } = attempt;
  return verify(change(request), of.settings(attempt.keys ?? ['current', 'next'], attempt.settings));
};

const wordOf = (verdict: WebhookVerdict): string => {
  if (!verdict.ok) return verdict.reason;
  return verdict.late ? 'late' : 'ok';
};

const expectWord =
  (attempt: Attempt, ...words: readonly string[]): WebhookCheck['find'] =>
  (of, verify) => {
    const word = wordOf(judge(of, verify, attempt));
    return words.includes(word) ? undefined : `${word}, not ${words.join(' or ')}`;
  };

const secondsAgo = (seconds: number): Partial<Signed> => ({
  atSeconds: Math.floor(now.getTime() / 1000) - seconds,
});
const days = 86_400;
/** A token that was used is known for a day, an event for a week. */
const memoryDaysOf = ({ covers }: WebhookCase): number => (covers === 'token' ? 1 : 7);

const withoutProof = (of: WebhookCase) => (request: WebhookRequest) =>
  of.withParts(
    request,
    Object.fromEntries(
      Object.keys(of.parts(request))
        .filter((name) => name !== 'body')
        .map((name) => [name, undefined]),
    ),
  );

/** What is asked of every provider's verifier. */
export const webhookChecks: readonly WebhookCheck[] = [
  { name: 'a good one is taken', applies: always, find: expectWord({}, 'ok') },
  {
    name: 'every documented report is taken',
    applies: always,
    find: (of, verify) =>
      of.fixtures
        .map(([file, fixture]) => `${file}: ${wordOf(judge(of, verify, { fixture }))}`)
        .find((line) => !line.endsWith(': ok')),
  },
  {
    name: 'while secrets are replaced both are good',
    applies: always,
    find: expectWord({ signed: { key: 'next' } }, 'ok'),
  },
  {
    name: 'a foreign secret is not',
    applies: always,
    find: expectWord({ signed: { key: 'foreign' } }, 'mismatch'),
  },
  {
    name: 'a secret that was taken away is not',
    applies: always,
    find: expectWord({ keys: ['next'] }, 'mismatch', 'topic'),
  },
  { name: 'without a secret nothing is taken', applies: always, find: expectWord({ keys: [] }, 'no_key') },
  {
    name: 'an unsigned one is refused',
    applies: always,
    find: (of, verify) => expectWord({ change: withoutProof(of) }, 'missing')(of, verify),
  },
  {
    name: 'an age up to the window is fresh',
    applies: hasTime,
    find: expectWord({ signed: secondsAgo(900) }, 'ok'),
  },
  { name: 'a second more is late', applies: hasTime, find: expectWord({ signed: secondsAgo(901) }, 'late') },
  {
    name: 'a late one can be refused',
    applies: hasTime,
    find: expectWord({ signed: secondsAgo(901), settings: { late: 'refuse' } }, 'stale'),
  },
  {
    name: 'a late one is taken for as long as a repetition is known',
    applies: hasTime,
    find: (of, verify) => expectWord({ signed: secondsAgo(memoryDaysOf(of) * days) }, 'late')(of, verify),
  },
  {
    name: 'and no longer',
    applies: hasTime,
    find: (of, verify) =>
      expectWord({ signed: secondsAgo(memoryDaysOf(of) * days + 1) }, 'stale')(of, verify),
  },
  {
    name: 'a time in the near future is taken',
    applies: hasTime,
    find: expectWord({ signed: secondsAgo(-300) }, 'ok'),
  },
  {
    name: 'one further in the future is not',
    applies: hasTime,
    find: expectWord({ signed: secondsAgo(-301) }, 'stale'),
  },
  {
    name: 'a host without a clock takes nothing that is timed',
    applies: hasTime,
    find: expectWord(
      { change: (request) => ({ ...request, now: new Date(Number.NaN) }) },
      'stale',
      'mismatch',
    ),
  },
  {
    name: 'forged counts before stale',
    applies: hasTime,
    find: expectWord({ signed: { key: 'foreign', ...secondsAgo(90 * days) } }, 'mismatch'),
  },
  {
    name: 'the same JSON spelled differently is refused',
    applies: ({ covers }) => covers === 'bytes',
    find: (of, verify) => expectWord({ change: respelled }, 'mismatch')(of, verify),
  },
  {
    name: 'the same JSON spelled differently is the same, as values are signed',
    applies: ({ covers }) => covers === 'values',
    find: (of, verify) => expectWord({ change: respelled }, 'ok')(of, verify),
  },
  {
    name: 'a second body under one token is told by its hash',
    applies: ({ covers }) => covers === 'token',
    find: (of, verify) => {
      const [one, other] = of.fixtures.slice(0, 2).map(([, fixture]) => judge(of, verify, { fixture }));
      if (one?.ok !== true || other?.ok !== true) return 'not taken';
      if (one.replayKey?.equals(other.replayKey ?? Buffer.alloc(0)) !== true) return 'another replay key';
      return one.bodyHash.equals(other.bodyHash) ? 'the same hash' : undefined;
    },
  },
  {
    name: 'a replay has the same events under the same ids',
    applies: always,
    find: (of, verify) => {
      const [one, again] = [judge(of, verify), judge(of, verify)];
      if (!one.ok || !again.ok) return 'not taken';
      const ids = [one, again].map(({ body }) =>
        JSON.stringify(of.webhook.parse(body).map((e) => e.eventId)),
      );
      return ids[0] === ids[1] && ids[0] !== '[]' ? undefined : `${ids[0]} and ${ids[1]}`;
    },
  },
  {
    name: 'an address that is not on the list is refused',
    applies: ({ covers }) => covers === 'nothing',
    find: expectWord({ settings: { allowedAddresses: ['198.51.100.0/24'] } }, 'address'),
  },
  {
    name: 'one on the list is taken',
    applies: ({ covers }) => covers === 'nothing',
    find: expectWord({ settings: { allowedAddresses: ['198.51.100.0/24', '192.0.2.0/24'] } }, 'ok'),
  },
];

/** As a framework that parses JSON and writes it again would do. */
const respelled = (request: WebhookRequest): WebhookRequest => ({
  ...request,
  rawBody: Buffer.from(JSON.stringify(JSON.parse(Buffer.from(request.rawBody).toString()), null, 1)),
});

/** One of ten ways to bend a text; `at` and `text` come by chance. */
export const bend = (value: string, how: number, at: number, text: string): string | undefined => {
  const i = value.length === 0 ? 0 : at % value.length;
  switch (how % 10) {
    case 0:
      return (
        value.slice(0, i) +
        String.fromCharCode((value.charCodeAt(i) || 64) ^ (1 << (at % 7))) +
        value.slice(i + 1)
      );
    case 1:
      return value.slice(0, i);
    case 2:
      return value + text;
    case 3:
      return value.toUpperCase();
    case 4:
      return ` ${value} `;
    case 5:
      return value.slice(i) + value.slice(0, i);
    case 6:
      return '';
    case 7:
      return undefined;
    case 8:
      return value.slice(0, i) + text + value.slice(i);
    default:
      return text;
  }
};

export const bentMax = 10_000;

/** How many of the bent requests a verifier took, and how many were really bent. */
export const countBent = (
  of: WebhookCase,
  verify: Verify,
  draws: readonly (readonly [part: number, how: number, at: number, text: string])[],
): { readonly bent: number; readonly taken: number } => {
  const request = of.sign(of.first, good);
  const parts = Object.entries(of.parts(request));
  const settings = of.settings(['current', 'next']);
  let [bent, taken] = [0, 0];
  for (const [part, how, at, text] of draws) {
    const [name, value] = parts[part % parts.length] ?? ['', ''];
    const other = bend(value, how, at, text);
    if (other === value || (name === 'body' && other === undefined)) continue;
    if (other !== undefined && of.isStillGood?.(name, other, value) === true) continue;
    // Signatures of some providers take 0.2 ms to check: as many as are promised, and no more.
    if (bent === bentMax) break;
    bent += 1;
    if (verify(of.withParts(request, { [name]: other }), settings).ok) taken += 1;
  }
  return { bent, taken };
};
