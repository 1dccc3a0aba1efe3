import { Resolver } from 'node:dns/promises';
import type { DnsAnswer, MailExchange } from '@reconfirm/core/doctor/dns-view';

/** Asks the DNS. Answers are values: nothing rejects, and each question ends by its deadline. */
export interface DnsReader {
  readonly texts: (name: string) => Promise<DnsAnswer<string>>;
  readonly exchanges: (name: string) => Promise<DnsAnswer<MailExchange>>;
  /** IPv4 and IPv6. */
  readonly addresses: (name: string) => Promise<DnsAnswer<string>>;
}

/** One repetition, for a lost datagram; a name server that needs longer loses mail anyway. */
const patience = { timeout: 1500, tries: 2 };

/** Asks the system's name servers, or `servers` (`address:port`), until `signal` aborts. */
export const createDnsReader = (signal: AbortSignal, servers?: readonly string[]): DnsReader => {
  const resolver = new Resolver(patience);
  if (servers !== undefined) resolver.setServers(servers);
  signal.addEventListener('abort', () => resolver.cancel(), { once: true });

  const ask = async <T>(question: () => Promise<readonly T[]>): Promise<DnsAnswer<T>> => {
    if (signal.aborted) return { kind: 'failed', reason: 'no time left' };
    try {
      const values = await question();
      return values.length === 0 ? { kind: 'missing', nameExists: true } : { kind: 'found', values };
    } catch (error) {
      return answerOf(error);
    }
  };

  return {
    texts: (name) => ask(async () => (await resolver.resolveTxt(name)).map((strings) => strings.join(''))),
    exchanges: (name) =>
      ask(async () =>
        (await resolver.resolveMx(name)).map(({ exchange, priority }) => ({
          exchange: exchange.toLowerCase(),
          preference: priority,
        })),
      ),
    addresses: async (name) => {
      const [v4, v6] = await Promise.all([
        ask(() => resolver.resolve4(name)),
        ask(() => resolver.resolve6(name)),
      ]);
      const values = [v4, v6].flatMap((answer) => (answer.kind === 'found' ? answer.values : []));
      if (values.length > 0) return { kind: 'found', values };
      // Half an answer is none: the other half may have had the address.
      if (v4.kind !== 'missing') return v4;
      return v6.kind === 'missing' ? { kind: 'missing', nameExists: v4.nameExists || v6.nameExists } : v6;
    },
  };
};

/** c-ares tells a name that does not exist (ENOTFOUND) from one without such records (ENODATA). */
const answerOf = (error: unknown): DnsAnswer<never> => {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === '') throw error;
  if (code === 'ENODATA') return { kind: 'missing', nameExists: true };
  if (code === 'ENOTFOUND' || code === 'EBADNAME') return { kind: 'missing', nameExists: false };
  return { kind: 'failed', reason: code };
};
