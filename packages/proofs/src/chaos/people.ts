import { setTimeout as delay } from 'node:timers/promises';
import type { Caller } from './caller.ts';
import type { Random } from './random.ts';
import type { Copy } from './read-copy.ts';
import type { Subject } from './subjects.ts';
import type { Violations } from './violations.ts';

export interface PeopleStats {
  refused: number;
  clicks: number;
  /** Older links that were tried right after a newer request had been accepted. */
  olderTried: number;
}

/** People with an address: they register, ask again, and click. */
export interface People {
  register(subject: Subject): Promise<void>;
  /** Asks for another mail, with an idempotency key of its own for all tries. */
  resend(subject: Subject): Promise<void>;
  /** Clicks twice at once, at two APIs. A refusal counts only when it is certain that no newer request was accepted. */
  click(subject: Subject, copy: Copy): Promise<void>;
  readonly stats: PeopleStats;
}

interface ProblemBody {
  readonly reason?: string;
}

export const createPeople = (
  caller: Caller,
  random: Random,
  violations: Violations,
  runId: string,
): People => {
  const stats: PeopleStats = { refused: 0, clicks: 0, olderTried: 0 };
  let keys = 0;

  const accepted = (subject: Subject): void => {
    subject.accepted += 1;
    subject.acceptedAt = performance.now();
  };

  const register = async (subject: Subject): Promise<void> => {
    subject.asking += 1;
    try {
      const heard = await caller.ask<ProblemBody>({
        method: 'POST',
        path: '/v1/register',
        json: { email: subject.address },
      });
      if (heard === undefined) return;
      // A registration has no key: one that was carried out without an answer says "exists already" afterwards.
      if (heard.status === 201 || (heard.status === 409 && heard.mayRepeat)) {
        subject.isRegistered = true;
        accepted(subject);
      } else if (heard.status === 429) stats.refused += 1;
      else violations.add('unexpected_answer', `register: ${heard.status} ${heard.body.reason ?? ''}`);
    } finally {
      subject.asking -= 1;
    }
  };

  const tryOlder = async (subject: Subject, older: readonly Copy[]): Promise<void> => {
    const copy = older[Math.floor(random.next() * older.length)];
    if (copy === undefined || subject.isVerified) return;
    stats.olderTried += 1;
    if ((await isValid(caller, copy.token)) === true)
      violations.add('older_token_alive', `${copy.messageId}, at once`);
  };

  const resend = async (subject: Subject): Promise<void> => {
    subject.asking += 1;
    keys += 1;
    const older = [...subject.copies];
    try {
      const email = subject.address;
      const heard = await caller.ask<ProblemBody>({
        method: 'POST',
        headers: { 'idempotency-key': `${runId}-${keys}` },
        // Two ways to ask for the same.
        ...(random.chance(0.5)
          ? { path: '/v1/resend-verification', json: { email } }
          : { path: '/v1/resend', json: { email, purpose: 'signup' } }),
      });
      if (heard === undefined) return;
      if (heard.status === 200) {
        accepted(subject);
        if (random.chance(0.1)) await tryOlder(subject, older);
      } else if (heard.status === 429) stats.refused += 1;
      // The contract tells a verified account so.
      else if (!(heard.status === 409 && subject.kind === 'person'))
        violations.add('unexpected_answer', `resend: ${heard.status} ${heard.body.reason ?? ''}`);
    } finally {
      subject.asking -= 1;
    }
  };

  const click = async (subject: Subject, copy: Copy): Promise<void> => {
    await delay(random.between(0, 3000));
    if (subject.isVerified) return;
    // With more than one, the mail of a newer one may still be on its way.
    const isOnly = (): boolean => subject.asking === 0 && subject.accepted === 1;
    const wasOnly = isOnly();
    stats.clicks += 1;
    const question = { method: 'POST', path: '/v1/verify-email', json: { token: copy.token } } as const;
    const [first, second] = await Promise.all([
      caller.ask<ProblemBody>(question, 0),
      caller.ask<ProblemBody>(question, 1),
    ]);
    if (first === undefined || second === undefined) return;
    const statuses = [first.status, second.status];
    if (statuses.includes(200)) subject.isVerified = true;
    if (wasOnly && isOnly() && statuses.some((status) => status !== 200))
      violations.add('click_refused', `${copy.messageId}: ${statuses.join(' and ')}`);
  };

  return { register, resend, click, stats };
};

/** Whether a link works now, as the page behind it is told; undefined when nobody answered. */
export const isValid = async (caller: Caller, token: string): Promise<boolean | undefined> => {
  const heard = await caller.ask<{ valid?: boolean }>({
    method: 'GET',
    path: `/v1/verify-email/check?token=${token}`,
  });
  return heard?.body.valid;
};
