import type { Answer } from './requests.ts';

/** One member of a RateLimit or RateLimit-Policy header: a name and its whole-number parameters. */
export interface RateLimitItem {
  readonly name: string;
  readonly parameters: Readonly<Record<string, number>>;
}

/** Reads a List of Items with String names and Integer parameters (RFC 9651, 3.1); throws on anything else. */
export const parseRateLimit = (header: unknown): readonly RateLimitItem[] => {
  if (typeof header !== 'string') throw new Error('the header is missing');
  return header.split(', ').map((member) => {
    const match = /^"([a-z0-9-]+)"((?:;[a-z]+=\d+)+)$/.exec(member);
    const [, name, parameters] = match ?? [];
    if (name === undefined || parameters === undefined) throw new Error(`not a structured field: ${member}`);
    const pairs = [...parameters.matchAll(/;([a-z]+)=(\d+)/g)];
    return {
      name,
      parameters: Object.fromEntries(pairs.map(([, key, value]) => [key ?? '', Number(value)])),
    };
  });
};

/** The seconds that a refusal asks to wait; throws when it says nothing usable. */
export const retryAfterSeconds = (answer: Answer): number => {
  const text = String(answer.headers['retry-after']);
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`Retry-After is ${text}`);
  return Number(text);
};
