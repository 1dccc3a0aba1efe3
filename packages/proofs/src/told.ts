import type { ApiClient } from './api-client.ts';
import type { Answer } from './http-client.ts';
import { atSteadyRate } from './load.ts';

/** What callers were told while something was wrong; each address asked once. */
export interface Told {
  readonly accepted: readonly string[];
  readonly refused: readonly Answer[];
  /** Of every address that was not accepted: it may have been written down all the same, and never twice. */
  readonly uncertain: readonly string[];
}

/** Registers each address once at a steady rate, whatever the answers; `disturb` runs before the request with its index. */
export const registerEach = async (
  client: ApiClient,
  emails: readonly string[],
  perSecond: number,
  disturb: (index: number) => Promise<void>,
): Promise<Told> => {
  const accepted: string[] = [];
  const refused: Answer[] = [];
  const uncertain: string[] = [];
  await atSteadyRate(emails.length, perSecond, async (index) => {
    await disturb(index);
    const email = emails[index] ?? '';
    const answer = await client.register(email);
    if (answer.status === 201) accepted.push(email);
    else {
      refused.push(answer);
      uncertain.push(email);
    }
  });
  return { accepted, refused, uncertain };
};

/**
 * How what was sent differs from what was told, as sentences: an accepted address that got no mail or more
 * than one, a refused one that got more than one. `sent` counts the mails of each address.
 */
export const lostOrDoubled = (told: Told, sent: ReadonlyMap<string, number>): readonly string[] => [
  ...told.accepted
    .filter((email) => sent.get(email) !== 1)
    .map((email) => `${email} was accepted and got ${sent.get(email) ?? 0} mails`),
  ...told.uncertain
    .filter((email) => (sent.get(email) ?? 0) > 1)
    .map((email) => `${email} was refused and got ${sent.get(email) ?? 0} mails`),
];

/** Answers that are not the one of a service that is away: 503 that says when to come back. */
export const otherThanAway = (answers: readonly Answer[]): readonly Answer[] =>
  answers.filter(({ status, headers }) => status !== 503 || !(Number(headers['retry-after']) > 0));
