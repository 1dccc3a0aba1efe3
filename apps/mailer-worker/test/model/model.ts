import { cooldownSeconds, guessesMax } from './system.ts';

/** How many people ask; the last of them has never registered. */
export const people = 4;
export const stranger = people - 1;

const linkSeconds = 86_400;
const codeSeconds = 3600;

/** What a report says, with how far it brings a message: of several, the furthest counts, in whatever order they come. */
export const reports = { accepted: 50, delivered: 60, bounced: 70, complained: 80 } as const;
export type Report = keyof typeof reports;

/** An accepted request and what has become of it, as it has to be. */
export interface Asked {
  readonly id: string;
  readonly person: number;
  readonly acceptedAt: number;
  /** What every copy of its mail carries. */
  token: string | null;
  code: string | null;
  copies: number;
  /** From when its lifetime counts; null before a token was made. */
  livesFrom: number | null;
  used: boolean;
  /** The furthest that was reported, 0 for nothing. */
  reported: number;
  /** A hand-over was recorded or reported. */
  isSent: boolean;
  /** A server has refused its recipient. */
  refused: boolean;
  /** Workers that died with it, or slept. */
  mishaps: number;
}

/** The whole service, as a person would explain it. Its clock is in seconds and stands still within a step. */
export interface Model {
  now: number;
  readonly asked: Asked[];
  readonly verified: Set<number>;
  /** People to whose address a message bounced for good, or who complained. */
  readonly spoilt: Set<number>;
  readonly guesses: Map<number, { count: number; endsAt: number }>;
}

export const newModel = (): Model => ({
  now: 0,
  asked: [],
  verified: new Set(),
  spoilt: new Set(),
  guesses: new Map(),
});

export const newAsked = (model: Model, id: string, person: number): Asked => ({
  id,
  person,
  acceptedAt: model.now,
  token: null,
  code: null,
  copies: 0,
  livesFrom: null,
  used: false,
  reported: 0,
  isSent: false,
  refused: false,
  mishaps: 0,
});

export const askedBy = (model: Model, person: number): readonly Asked[] =>
  model.asked.filter((asked) => asked.person === person);

export const isNewest = (model: Model, asked: Asked): boolean =>
  askedBy(model, asked.person).at(-1) === asked;

/** One request in each cooldown, whatever becomes of it; whoever is verified is told so. */
export const answerToRequest = (model: Model, person: number): 200 | 409 | 429 => {
  if (model.verified.has(person)) return 409;
  const last = askedBy(model, person).at(-1);
  return last !== undefined && model.now - last.acceptedAt < cooldownSeconds ? 429 : 200;
};

/** The newest works, once; who has proved the address has succeeded with any that has not expired. */
export const stateOfToken = (
  model: Model,
  asked: Asked,
  by: 'link' | 'code' = 'link',
): 'live' | 'consumed' | 'superseded' | 'expired' => {
  const lifetime = by === 'link' ? linkSeconds : codeSeconds;
  if (asked.livesFrom === null || model.now - asked.livesFrom >= lifetime) return 'expired';
  if (model.verified.has(asked.person)) return 'consumed';
  return isNewest(model, asked) ? 'live' : 'superseded';
};

export const use = (model: Model, asked: Asked): void => {
  asked.used = true;
  model.verified.add(asked.person);
};

/** Counts a wrong code; false when none is compared any more. */
export const mayGuess = (model: Model, person: number, counts: boolean): boolean => {
  const open = model.guesses.get(person);
  const window =
    open !== undefined && model.now < open.endsAt ? open : { count: 0, endsAt: model.now + 3600 };
  if (window.count >= guessesMax) return false;
  if (counts) model.guesses.set(person, { ...window, count: window.count + 1 });
  return true;
};

type Excuse = (model: Model, asked: Asked) => boolean;

/** Reasons for which nothing was sent, and when each of them is true. */
const excuses: Readonly<Record<string, Excuse>> = {
  superseded: (model, asked) => !isNewest(model, asked),
  already_verified: (model, asked) => model.verified.has(asked.person),
  suppressed: (model, asked) => model.spoilt.has(asked.person),
  unknown_account: (_model, asked) => asked.person === stranger,
  too_late: (model, asked) => model.now - asked.acceptedAt > linkSeconds,
  lost_too_often: (_model, asked) => asked.mishaps >= 5,
};

/** Whether the reason that a row gives for its silence is true. */
export const isExcused = (model: Model, asked: Asked, reason: string | null): boolean =>
  excuses[reason ?? '']?.(model, asked) ?? false;
