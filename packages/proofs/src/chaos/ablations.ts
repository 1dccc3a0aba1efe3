import { join } from 'node:path';
import type { Settings } from '../installation.ts';

/** One thing taken away or broken on purpose. Each must be caught by the check, or the check is worth nothing. */
export interface Ablation {
  readonly words: string;
  /** Told to every process. */
  readonly settings?: Settings;
  /** Run in the database before the load. */
  readonly statements?: readonly string[];
  /** A live token is put where no token may be. */
  readonly plantsSecret?: boolean;
}

export const ablations = {
  'sweep-off': {
    words: 'rows that are due are never looked for: a lost ring is a lost mail',
    // The sweep passes over what was rung just now; here everything always was.
    statements: [
      `CREATE FUNCTION ablate_sweep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         NEW.rung_at = now() + interval '1 day'; RETURN NEW; END $$`,
      `CREATE TRIGGER ablate_sweep BEFORE INSERT OR UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION ablate_sweep()`,
    ],
  },
  'kept-jobs': {
    words: 'the job’s id is the message’s and finished jobs are kept: they swallow later rings',
    settings: { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'keep-jobs.mjs')}` },
  },
  'last-write-wins': {
    words: 'a report sets the status whatever was known before',
    statements: [
      `CREATE OR REPLACE FUNCTION refuse_status_regress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         NEW.rank := status_rank(NEW.status); RETURN NEW; END $$`,
      `CREATE FUNCTION ablate_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         UPDATE messages SET status = NEW.type WHERE id = NEW.message_id AND NEW.type IN ('delivered', 'bounced', 'complained');
         RETURN NULL; END $$`,
      `CREATE TRIGGER ablate_order AFTER INSERT OR UPDATE ON delivery_events FOR EACH ROW EXECUTE FUNCTION ablate_order()`,
    ],
  },
  'planted-secret': { words: 'a live token stands in a row and in a log', plantsSecret: true },
  'all-links-live': {
    words: 'an older link goes on working after a newer request',
    settings: { PURPOSE_LIVE_TOKENS: 'signup=newest-3' },
  },
} as const satisfies Record<string, Ablation>;

export type AblationName = keyof typeof ablations;
