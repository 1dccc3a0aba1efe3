import type { ReadMessage, RunningInbox } from '@reconfirm/local-stack';
import { columnsOf, dumpPostgres, dumpRedis } from '../../src/dump-stores.ts';
import { createHttpClient, type Answer, type Question } from '../../src/http-client.ts';
import type { RunningApi } from '../../src/installation.ts';
import { nextMail } from '../../src/mails.ts';
import { scanFor, type Canary } from '../../src/secret-scan.ts';

/** What answers of all contracts may hold that a test goes on with. */
export interface Said {
  readonly apiKey?: string;
  readonly secret?: string;
  readonly endpoint?: { readonly secret?: string };
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly accessToken?: string;
  readonly refreshToken?: string;
}

export interface Mail {
  readonly mail: ReadMessage;
  readonly code: string;
  readonly token: string;
}

/** Everything that an installation leaves behind while it is used, and the secrets that went through it meanwhile. */
export interface Evidence {
  /** Notes a secret; throws where there is none. */
  learn(name: string, value: string | null | undefined): string;
  /** The next mail to an address: its tokens and codes are secrets, whoever uses them afterwards. */
  read(inbox: RunningInbox, to: string, after?: ReadMessage): Promise<Mail>;
  /** Asks, and keeps the answer when it is an error. */
  ask(of: RunningApi, method: string, path: string, question?: Question): Promise<Answer<Said>>;
  keepLine(process: string, line: string): void;
  /** Keeps what is in both stores now, and the metrics of these processes. */
  keep(place: EvidencePlace, urls: Iterable<string>): Promise<void>;
  secrets(): readonly Canary[];
  /** Where the secret, or the address, stands in Postgres: `schema.table.column`. */
  columnsWith(canary: Canary): readonly string[];
  /** By place, all that was kept; of Postgres without the columns given. */
  places(
    redisCommands: readonly string[],
    columnsLeftOut: readonly string[],
  ): Readonly<Record<string, string>>;
}

export interface EvidencePlace {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly redisPrefix: string;
}

export const collectEvidence = (): Evidence => {
  const secrets: Canary[] = [];
  const logs = new Map<string, string[]>();
  const told: string[] = [];
  const dumped = new Map<string, Set<string>>();
  const redis = new Set<string>();
  const metrics = new Set<string>();

  const learn: Evidence['learn'] = (name, value) => {
    if (value === undefined || value === null || value === '') throw new Error(`There is no ${name}`);
    secrets.push({ name, value });
    return value;
  };
  const logOf = (process: string): string =>
    [...logs].flatMap(([name, lines]) => (name.startsWith(process) ? lines : [])).join('\n');

  return {
    learn,
    read: async (inbox, to, after) => {
      const mail = await nextMail(inbox, to, after);
      for (const link of mail.links) {
        const token = new URL(link).searchParams.get('token');
        if (token !== null) learn('token', token);
      }
      if (mail.code !== null) learn('code', mail.code);
      const link = mail.links
        .map((text) => new URL(text))
        .find(({ pathname, searchParams }) => searchParams.has('token') && pathname !== '/v1/not-me');
      const token = link?.searchParams.get('token') ?? '';
      return { mail, code: mail.code ?? '', token };
    },
    ask: async (of, method, path, question) => {
      const answer = await of.client.ask<Said>(method, path, question);
      if (answer.status >= 400) told.push(JSON.stringify([answer.headers, answer.body]));
      return answer;
    },
    keepLine: (process, line) => {
      const lines = logs.get(process);
      if (lines === undefined) logs.set(process, [line]);
      else lines.push(line);
    },
    keep: async ({ databaseUrl, redisUrl, redisPrefix }, urls) => {
      for (const { name, values } of columnsOf(await dumpPostgres(databaseUrl)))
        dumped.set(name, new Set([...(dumped.get(name) ?? []), ...values]));
      for (const line of await dumpRedis(redisUrl, redisPrefix)) redis.add(line);
      for (const url of urls) for (const line of await scrape(url)) metrics.add(line);
    },
    secrets: () => secrets,
    columnsWith: (canary) =>
      [...dumped].flatMap(([name, values]) =>
        scanFor([canary], [...values].join('\n')).length > 0 ? [name] : [],
      ),
    places: (redisCommands, columnsLeftOut) => ({
      'log of the API': logOf('api'),
      'log of the worker': logOf('worker'),
      Redis: [...new Set([...redis, ...redisCommands])].join('\n'),
      Postgres: [...dumped]
        .flatMap(([name, values]) => (columnsLeftOut.includes(name) ? [] : [...values]))
        .join('\n'),
      metrics: [...metrics].join('\n'),
      'error bodies': told.join('\n'),
    }),
  };
};

const scrape = async (url: string): Promise<readonly string[]> => {
  using http = createHttpClient(Number(new URL(url).port));
  return (await http.ask<string>('GET', '/metrics')).body.split('\n');
};
