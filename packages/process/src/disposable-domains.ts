import { readFileSync } from 'node:fs';
import { disposableEmailBlocklist } from 'disposable-email-domains-js';
import {
  disposableDomains,
  type DisposablePolicy,
  isDisposable,
  parseDomainFile,
} from '@reconfirm/core/disposable';

interface DisposableConfig {
  readonly DISPOSABLE_DOMAINS: DisposablePolicy;
  readonly DISPOSABLE_ALLOW: ReadonlySet<string>;
}

export interface DisposableJudgement {
  readonly policy: DisposablePolicy;
  readonly isDisposable: boolean;
}

/** What an organization thinks of an address: the same whether somebody has an account with it or nobody. */
export type JudgeDisposable = (organizationId: string, address: string) => DisposableJudgement;

/**
 * Reads the packaged list, and the operator's own where one is named. Throws, naming the setting, when that
 * file cannot be read or holds something else than domains.
 */
export const readDisposableDomains = (listPath: string | undefined): ReadonlySet<string> =>
  disposableDomains(disposableEmailBlocklist(), readOwn(listPath));

export const createJudgeDisposable =
  (listed: ReadonlySet<string>, configOf: (organizationId: string) => DisposableConfig): JudgeDisposable =>
  (organizationId, address) => {
    const { DISPOSABLE_DOMAINS: policy, DISPOSABLE_ALLOW: allowed } = configOf(organizationId);
    return { policy, isDisposable: policy !== 'off' && isDisposable(address, listed, allowed) };
  };

/** What an event says of its account's address; undefined where the organization does not ask. */
export const disposableOfEvent = (
  judge: JudgeDisposable,
  event: { readonly organizationId: string; readonly email: string | null },
): boolean | undefined => {
  const judged = judge(event.organizationId, event.email ?? '');
  return judged.policy === 'off' ? undefined : judged.isDisposable;
};

const readOwn = (path: string | undefined): ReadonlySet<string> => {
  if (path === undefined) return new Set();
  const read = parseDomainFile(readText(path));
  if ('problem' in read) throw new Error(`DISPOSABLE_LIST_PATH ${read.problem}`);
  return read;
};

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Error(`DISPOSABLE_LIST_PATH must name a file that can be read`, { cause });
  }
};
