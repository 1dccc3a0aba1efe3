/** The HTTP contracts that can be spoken, as CONTRACTS and the rows of messages name them. */
export const contractNames = ['v1', 'singularity', 'entryguard'] as const;

export type ContractName = (typeof contractNames)[number];

/** Contracts whose answers carry sessions: they cannot be spoken without SESSION_KEYS. */
export const contractsWithSessions: readonly ContractName[] = ['singularity', 'entryguard'];

/** Reads `v1,singularity`; the order does not matter and each counts once. */
export const parseContracts = (text: string): readonly ContractName[] | { readonly problem: string } => {
  const wanted = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = wanted.find((name) => !contractNames.some((known) => known === name));
  if (unknown !== undefined)
    return { problem: `must list some of ${contractNames.join(', ')}; ${unknown} is none of them` };
  if (wanted.length === 0) return { problem: `must list at least one of ${contractNames.join(', ')}` };
  return contractNames.filter((known) => wanted.includes(known));
};
