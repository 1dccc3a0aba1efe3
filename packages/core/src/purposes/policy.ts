import { parseLimits, type PurposeLimits } from '../limits.ts';
import { type LiveTokens, parseLiveTokens } from '../live-tokens.ts';
import type { Lifetime, Purpose } from './purpose.ts';
import { findPurpose, purposeNames, purposes } from './registry.ts';

/** What an installation (or an organization) wants otherwise than a purpose's own defaults. */
export interface PurposePolicies {
  readonly lifetimes: ReadonlyMap<string, Lifetime>;
  readonly liveTokens: ReadonlyMap<string, LiveTokens>;
  /** In seconds. */
  readonly sendWithin: ReadonlyMap<string, number>;
}

/** What holds for a message of one purpose. */
export interface PurposePolicy {
  readonly lifetime: Lifetime;
  readonly liveTokens: LiveTokens;
  /** How long after acceptance a message is still worth sending. */
  readonly sendWithinSeconds: number;
}

/**
 * The purpose's defaults with what is wanted otherwise; a code never outlives the link beside it. A message
 * that has waited for longer than its link would work is not sent either, unless that is said: whoever asked
 * for it has given up.
 */
export const policyOf = (purpose: Purpose, wanted: PurposePolicies): PurposePolicy => {
  const { linkSeconds, codeSeconds } = wanted.lifetimes.get(purpose.name) ?? purpose.lifetime;
  return {
    lifetime: { linkSeconds, codeSeconds: Math.min(codeSeconds, linkSeconds) },
    liveTokens: wanted.liveTokens.get(purpose.name) ?? purpose.liveTokens,
    sendWithinSeconds:
      wanted.sendWithin.get(purpose.name) ?? Math.min(purpose.sendWithinSeconds, linkSeconds),
  };
};

/** Shorter than a mail usually takes, and longer than anybody keeps an invitation. */
const lifetimeSecondsMin = 60;
const lifetimeSecondsMax = 30 * 86_400;

type Named<T> = ReadonlyMap<string, T> | { readonly problem: string };

/** Reads `name=value,name=value` where each name is a purpose. */
const parseByPurpose = <T>(
  text: string,
  read: (value: string, name: string) => T | { readonly problem: string },
  separator = ',',
): Named<T> => {
  const byPurpose = new Map<string, T>();
  for (const part of text
    .split(separator)
    .map((p) => p.trim())
    .filter((p) => p !== '')) {
    const [name = '', value = ''] = part.split('=', 2).map((p) => p.trim());
    if (findPurpose(name) === undefined)
      return { problem: `must name purposes (${purposeNames.join(', ')}); ${name} is none` };
    const result = read(value, name);
    if (typeof result === 'object' && result !== null && 'problem' in result)
      return { problem: `${name} ${result.problem}` };
    byPurpose.set(name, result);
  }
  return byPurpose;
};

/** Reads `recovery=1800/600,invitation=604800`: seconds of the link, and of the code where they differ. */
export const parseLifetimes = (text: string): Named<Lifetime> =>
  parseByPurpose(text, (value): Lifetime | { readonly problem: string } => {
    const match = /^(\d{1,8})(?:\/(\d{1,8}))?$/.exec(value);
    const linkSeconds = Number(match?.[1]);
    const codeSeconds = Number(match?.[2] ?? match?.[1]);
    const isInRange = [linkSeconds, codeSeconds].every(
      (seconds) => seconds >= lifetimeSecondsMin && seconds <= lifetimeSecondsMax,
    );
    return match !== null && isInRange
      ? { linkSeconds, codeSeconds }
      : { problem: `must be seconds like 1800/600, from ${lifetimeSecondsMin} to ${lifetimeSecondsMax}` };
  });

/** Those that strangers and accounts ask for; an invitation and another system's mail have limits of their own. */
export const limitedPurposes = [
  'signup',
  'recovery',
  'magiclink',
  'email_change',
  'sms',
  'phone_change',
] as const;

/** Reads `recovery=1/120,5/86400;magiclink=1/30`: limits of one address or number for one purpose. */
export const parseLimitsByPurpose = (text: string): Named<PurposeLimits> =>
  parseByPurpose(
    text,
    (value, name): PurposeLimits | { readonly problem: string } => {
      const limited = limitedPurposes.find((known) => known === name);
      if (limited === undefined)
        return { problem: `has limits of its own; here are ${limitedPurposes.join(', ')}` };
      const limits = parseLimits(value);
      return 'problem' in limits ? limits : { channel: purposes[limited].channel, limits };
    },
    ';',
  );

/** Reads `recovery=900,invitation=172800`: seconds from the acceptance. */
export const parseSendWithin = (text: string): Named<number> =>
  parseByPurpose(text, (value): number | { readonly problem: string } => {
    const seconds = Number(value);
    return /^\d{1,8}$/.test(value) && seconds >= lifetimeSecondsMin && seconds <= lifetimeSecondsMax
      ? seconds
      : { problem: `must be seconds like 900, from ${lifetimeSecondsMin} to ${lifetimeSecondsMax}` };
  });

/** Reads `magiclink=newest-3,recovery=until-handed-over`. */
export const parseLiveTokensByPurpose = (text: string): Named<LiveTokens> =>
  parseByPurpose(text, parseLiveTokens);
