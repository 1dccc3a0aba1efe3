import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

export type Resolution =
  | { readonly kind: 'resolved'; readonly at: ResolvedAddress }
  | { readonly kind: 'unresolvable' }
  /** At least one of the addresses is not to be connected to; then none is. */
  | { readonly kind: 'not_allowed' };

export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

const resolveBySystem: Resolve = (host) => lookup(host, { all: true });

/**
 * The address that a connection to `host` is to be made to. The caller connects to exactly this one: a
 * second look-up could give another answer (DNS rebinding). An address is its own resolution.
 */
export const resolveAllowed = async (
  host: string,
  mayConnect: (address: string) => boolean,
  resolve: Resolve = resolveBySystem,
): Promise<Resolution> => {
  const family = isIP(host);
  const found = family === 0 ? await withinDeadline(resolve(host)) : [{ address: host, family }];
  const [first] = found;
  if (first === undefined) return { kind: 'unresolvable' };
  return found.every(({ address }) => mayConnect(address))
    ? { kind: 'resolved', at: first }
    : { kind: 'not_allowed' };
};

/** The system's resolver has no deadline of its own; an answer that is late is none. */
const deadlineMs = 3000;

const withinDeadline = async (
  answer: Promise<readonly ResolvedAddress[]>,
): Promise<readonly ResolvedAddress[]> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly ResolvedAddress[]>((done) => {
    timer = setTimeout(() => done([]), deadlineMs);
  });
  try {
    return await Promise.race([answer.catch((): readonly ResolvedAddress[] => []), late]);
  } finally {
    clearTimeout(timer);
  }
};
