/**
 * Which messages of one subject carry a token that works: the newest `newest` of those that count. A
 * newer message counts from its acceptance, so that asking ends the older link at once, or only from its
 * hand-over, so that a slow provider leaves nobody without a link that works.
 */
export interface LiveTokens {
  /** 1 to 3. */
  readonly newest: number;
  readonly supersededWhen: 'accepted' | 'handed_over';
}

/** Seed 001: "the old token is immediately invalidated". */
export const newestOnly: LiveTokens = { newest: 1, supersededWhen: 'accepted' };

/** More would give a guesser of codes as many more targets. */
export const liveTokensMax = 3;

/** Reads `newest`, `newest-2`, `newest-3` or `until-handed-over`. */
export const parseLiveTokens = (text: string): LiveTokens | { readonly problem: string } => {
  const match = /^newest(?:-([1-9]))?$/.exec(text);
  if (match !== null && Number(match[1] ?? 1) <= liveTokensMax)
    return { newest: Number(match[1] ?? 1), supersededWhen: 'accepted' };
  if (text === 'until-handed-over') return { newest: 1, supersededWhen: 'handed_over' };
  return { problem: `must be newest, newest-2, newest-${liveTokensMax} or until-handed-over` };
};
