import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ApiClient, Message } from '../api-client.ts';
import type { Caller } from './caller.ts';
import { isValid } from './people.ts';
import type { ProviderReports, Report } from './provider-reports.ts';
import type { Copy } from './read-copy.ts';
import type { ChaosRows } from './rows.ts';
import type { Subject } from './subjects.ts';
import type { Violations } from './violations.ts';

export interface CheckParts {
  readonly subjects: readonly Subject[];
  readonly client: ApiClient;
  readonly caller: Caller;
  readonly reports: ProviderReports;
  readonly rows: ChaosRows;
  readonly violations: Violations;
  readonly logDir: string;
  readonly limit: { readonly count: number; readonly seconds: number };
  readonly leaseSeconds: number;
  /** Jobs that the queue still holds although they are done. */
  readonly finishedJobs: number;
}

export interface Checked {
  readonly messages: number;
  readonly copies: number;
  /** Copies beyond the first of each message. */
  readonly extraCopies: number;
  readonly copiesOfOneMax: number;
  readonly linksTried: number;
  /** From a worker's last sign of life to the next worker's claim. */
  readonly recoverySeconds: readonly number[];
  readonly betweenAttemptsSeconds: readonly number[];
}

/** Promise 5 of the documents: how long a killed worker may hold a message up. */
export const recoverySecondsMax = 30;
/** A charge and its row are this far apart at most, also while Postgres recovers. */
const LIMIT_SLACK_SECONDS = 5;
const AT_ONCE = 16;

/** Compares what was asked, answered, sent and reported with what the operator sees, and with the rows. */
export const checkEverything = async (parts: CheckParts): Promise<Checked> => {
  const { rows, violations } = parts;
  const copies = Map.groupBy(
    parts.subjects.flatMap((subject) => subject.copies),
    ({ messageId }) => messageId,
  );
  const { messages, newest } = await checkSubjects(parts, copies);
  const attempts = await rows.attempts();
  for (const [id, sent] of copies) {
    if (sent.length > (attempts.get(id) ?? 0))
      violations.add('more_copies_than_attempts', `${id}: ${sent.length} of ${attempts.get(id) ?? 0}`);
  }
  await checkReports(parts, messages);
  for (const what of await rows.regresses()) violations.add('status_regress', what);
  for (const account of await rows.provedTwice()) violations.add('token_accepted_twice', account);
  const { count, seconds } = parts.limit;
  for (const what of await rows.overLimit(count, seconds - LIMIT_SLACK_SECONDS))
    violations.add('limit_opened', what);
  const recoverySeconds = await rows.recoverySeconds(parts.leaseSeconds);
  for (const late of recoverySeconds.filter((value) => value > recoverySecondsMax))
    violations.add('recovered_late', `${late.toFixed(1)} s`);
  if (parts.finishedJobs > 0) violations.add('job_kept', `${parts.finishedJobs} of them`);
  await searchSecrets(parts);
  const linksTried = await tryLinks(parts, messages, newest);
  const counts = [...copies.values()].map(({ length }) => length);
  return {
    messages: messages.size,
    copies: counts.reduce((sum, value) => sum + value, 0),
    extraCopies: counts.reduce((sum, value) => sum + value - 1, 0),
    copiesOfOneMax: counts.reduce((most, value) => Math.max(most, value), 0),
    linksTried,
    recoverySeconds,
    betweenAttemptsSeconds: await rows.betweenAttemptsSeconds(),
  };
};

/** Does something for each item, some at once. */
const forEach = async <Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> => {
  const left = [...items].values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of left) await work(item);
    }),
  );
};

const UNSETTLED = new Set(['queued', 'sending', 'deferred']);

interface Seen {
  readonly messages: ReadonlyMap<string, Message>;
  /** The id of each address's newest message. */
  readonly newest: ReadonlyMap<string, string>;
}

/** What support staff see of each address. */
const checkSubjects = async (
  { subjects, client, rows, violations }: CheckParts,
  copies: ReadonlyMap<string, readonly Copy[]>,
): Promise<Seen> => {
  const messages = new Map<string, Message>();
  const newestOf = new Map<string, string>();
  const sequence = await rows.sequence();
  const place = ({ id }: Message): bigint => sequence.get(id) ?? -1n;
  await forEach(subjects, async (subject) => {
    const found = await client.messages({ address: subject.address });
    for (const message of found) messages.set(message.id, message);
    const difference = `${subject.kind} ${subject.address}: ${subject.accepted} accepted, ${found.length} rows`;
    if (found.length < subject.accepted) violations.add('accepted_without_row', difference);
    if (found.length > subject.accepted) violations.add('row_without_request', difference);
    for (const { id, status, attempts } of found) {
      const got = copies.get(id) ?? [];
      if (UNSETTLED.has(status)) violations.add('unsettled', `${id}: ${status}, attempt ${attempts}`);
      if (got.length === 0 && ['sent', 'delivered', 'complained'].includes(status))
        violations.add('sent_without_copy', `${id}: ${status}`);
      const [first] = got;
      if (
        got.some(
          ({ token, messageIdHeader }) => token !== first?.token || messageIdHeader !== first.messageIdHeader,
        )
      )
        violations.add('wrong_token', id);
    }
    const [newest] = found.toSorted((a, b) => (place(a) < place(b) ? 1 : -1));
    if (newest !== undefined) newestOf.set(subject.address, newest.id);
    const isOwed = subject.kind === 'pending' || (subject.kind === 'person' && !subject.isVerified);
    if (isOwed && newest !== undefined && !copies.has(newest.id))
      violations.add('newest_not_delivered', `${newest.id}: ${newest.status} ${newest.reason ?? ''}`);
  });
  return { messages, newest: newestOf };
};

const strength: Readonly<Record<string, number>> = { delivered: 1, bounced: 2, complained: 3 };

const checkReports = async (
  { reports, rows, violations }: CheckParts,
  messages: ReadonlyMap<string, Message>,
): Promise<void> => {
  const stored = await rows.events();
  const strongest = new Map<string, Report>();
  for (const [event, { messageId, report }] of reports.taken) {
    const times = stored.get(event) ?? 0;
    if (times !== 1) violations.add('report_lost', `${event}: ${times} times`);
    const known = strongest.get(messageId);
    if (known === undefined || (strength[known] ?? 0) < (strength[report] ?? 0))
      strongest.set(messageId, report);
  }
  for (const [id, report] of strongest) {
    const status = messages.get(id)?.status ?? 'no row';
    if (status !== report) violations.add('status_below_reports', `${id}: ${status}, reported ${report}`);
  }
};

/** The newest link of each address works until it is used, and no other does. */
const tryLinks = async (
  { subjects, caller, violations }: CheckParts,
  messages: ReadonlyMap<string, Message>,
  newest: ReadonlyMap<string, string>,
): Promise<number> => {
  let tried = 0;
  await forEach(subjects, async (subject) => {
    if (subject.kind === 'unknown') return;
    const tokens = new Map(subject.copies.map(({ token, messageId }) => [token, messageId]));
    for (const [token, messageId] of tokens) {
      if (!messages.has(messageId)) violations.add('accepted_without_row', `a mail of ${messageId}`);
      tried += 1;
      const valid = await isValid(caller, token);
      if (messageId !== newest.get(subject.address) && valid === true)
        violations.add('older_token_alive', messageId);
      if (messageId === newest.get(subject.address) && valid === false && !subject.isVerified)
        violations.add('newest_token_dead', messageId);
    }
  });
  return tried;
};

/** Whatever could be a token (64 hex digits), in every log and every row. */
const searchSecrets = async ({ subjects, rows, logDir, violations }: CheckParts): Promise<void> => {
  const tokens = new Set(subjects.flatMap(({ copies }) => copies.map(({ token }) => token)));
  const search = (text: string, where: string): void => {
    for (const [candidate] of text.matchAll(/[0-9a-f]{64,}/g)) {
      for (let start = 0; start + 64 <= candidate.length; start += 1)
        if (tokens.has(candidate.slice(start, start + 64))) violations.add('secret_found', where);
    }
  };
  for await (const text of rows.texts()) search(text, 'a row');
  for (const file of readdirSync(logDir)) {
    for await (const line of createInterface({ input: createReadStream(join(logDir, file)) }))
      search(line, file);
  }
};
