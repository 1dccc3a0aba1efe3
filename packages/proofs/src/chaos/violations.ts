/** What must never happen. The soak promises each of them 0 times. */
export const invariants = {
  accepted_without_row: 'an accepted request that is no row',
  row_without_request: 'a row for which nobody has an answer: one key, two rows',
  recovered_late: 'more than 30 s from a worker’s last sign of life to the next one’s claim',
  unsettled: 'a message that nobody will finish',
  newest_not_delivered: 'a newest message of which no copy came',
  newest_token_dead: 'a newest link that does not work',
  older_token_alive: 'an older link that works',
  wrong_token: 'two copies of one message with different links or Message-IDs',
  status_regress: 'a status that went back',
  sent_without_copy: 'SENT or better without a copy',
  token_accepted_twice: 'a link that changed an account twice',
  click_refused: 'a click on the newest link that was refused',
  more_copies_than_attempts: 'more copies than attempts on record',
  report_lost: 'a report that was answered 200 and is not there, or is there twice',
  status_below_reports: 'a status below what was reported',
  limit_opened: 'more accepted than the limit allows',
  unexpected_answer: 'an answer that the contract does not have here',
  hung: 'a request that nobody answered within its deadline',
  secret_found: 'a live token in a log or in a row',
  job_kept: 'a finished job that stays in the queue, where it swallows a later ring',
  process_died: 'a process that ended by itself',
} as const;

export type Invariant = keyof typeof invariants;

/** Counts what must not happen, and keeps the first examples of each. */
export interface Violations {
  add(invariant: Invariant, example: string): void;
  count(invariant: Invariant): number;
  total(): number;
  examples(invariant: Invariant): readonly string[];
}

const EXAMPLES_MAX = 5;

export const createViolations = (
  onFirst: (invariant: Invariant, example: string) => void = () => undefined,
): Violations => {
  const found = new Map<Invariant, { count: number; examples: string[] }>();
  const entry = (invariant: Invariant) => {
    const known = found.get(invariant) ?? { count: 0, examples: [] };
    found.set(invariant, known);
    return known;
  };
  return {
    add: (invariant, example) => {
      const known = entry(invariant);
      known.count += 1;
      if (known.examples.length >= EXAMPLES_MAX) return;
      known.examples.push(example);
      onFirst(invariant, example);
    },
    count: (invariant) => found.get(invariant)?.count ?? 0,
    total: () => [...found.values()].reduce((sum, { count }) => sum + count, 0),
    examples: (invariant) => found.get(invariant)?.examples ?? [],
  };
};
