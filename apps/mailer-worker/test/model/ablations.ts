import type { Step } from './steps.ts';
import type { System } from './system.ts';

/** One fault that a service could have, how this one is given it, and how the model finds out. */
export interface Ablation {
  readonly fault: string;
  /** Breaks a system that was started with `brokenSettings`, until `mend`. */
  readonly break: (system: System) => Promise<void> | void;
  readonly mend: (system: System) => Promise<void> | void;
  /** The shortest way to it; on a whole system nothing comes of it. */
  readonly steps: readonly Step[];
  /** What the model says then. */
  readonly said: RegExp;
}

/** Three links live, and nobody has to wait. */
export const brokenSettings = { PURPOSE_LIVE_TOKENS: 'signup=newest-3', RATE_LIMIT_ADDRESS: 'off' };

const nothing = (): void => {};

/** A trigger after each write of one kind. */
const trigger = (table: string, when: string, body: string): Pick<Ablation, 'break' | 'mend'> => ({
  break: (system) =>
    system.execute(`
      CREATE FUNCTION ablation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; RETURN NEW; END $$;
      CREATE TRIGGER ablation ${when} ON ${table} FOR EACH ROW EXECUTE FUNCTION ablation()`),
  mend: (system) => system.execute('DROP FUNCTION ablation() CASCADE'),
});

export const ablations: readonly Ablation[] = [
  {
    fault: 'an older link works beside the newest',
    break: nothing,
    mend: nothing,
    steps: [
      ['work', 0, 'takes', 'none'],
      ['advance', 60],
      ['advance', 60],
      ['request', 0],
      ['confirm', 0, 'older'],
    ],
    said: /older token of person 0 is superseded/,
  },
  {
    fault: 'there is no cooldown',
    break: nothing,
    mend: nothing,
    steps: [['empty_redis'], ['request', 3], ['request', 3]],
    said: /answer to a request of person 3/,
  },
  {
    fault: 'nobody sweeps, and a worker dies',
    break: (system) => system.setSweeping(false),
    mend: (system) => system.setSweeping(true),
    steps: [['work', 0, 'takes', 'dies_after_claim']],
    said: /everything that was accepted is settled/,
  },
  {
    fault: 'the last report wins',
    ...trigger(
      'delivery_events',
      'AFTER INSERT',
      `SET LOCAL session_replication_role = replica;
       UPDATE messages SET status = NEW.type, rank = status_rank(NEW.type) WHERE id = NEW.message_id AND NEW.type IN ('delivered', 'complained')`,
    ),
    steps: [
      ['work', 0, 'takes', 'none'],
      ['report', 0, 'complained', 'new'],
      ['report', 0, 'delivered', 'new'],
    ],
    said: /went back to delivered/,
  },
  {
    fault: 'a used link is not marked',
    ...trigger('verifications', 'BEFORE UPDATE OF consumed_at', 'NEW.consumed_at := NULL'),
    steps: [
      ['work', 0, 'takes', 'none'],
      ['confirm', 0, 'newest'],
    ],
    said: /link of|each link was used once/,
  },
  {
    fault: 'every attempt makes a link of its own',
    ...trigger(
      'messages',
      'AFTER UPDATE OF status',
      `IF NEW.status = 'deferred' THEN DELETE FROM verifications WHERE message_id = NEW.id; END IF`,
    ),
    steps: [['work', 0, 'loses_answer', 'none']],
    said: /each copy carries the same/,
  },
];
