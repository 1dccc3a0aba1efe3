import type { RunningInbox } from '@reconfirm/local-stack';
import { expect } from 'vitest';
import type { ApiClient } from '../../src/api-client.ts';
import { countByRecipient, linkOf } from '../../src/mails.ts';

/**
 * Every accepted request has become exactly one mail to its address, and the link of the newest works, but for
 * those who have used theirs. `accepted` names an address once for each of its requests.
 */
export const expectOneMailForEach = async (
  inbox: RunningInbox,
  client: ApiClient,
  accepted: readonly string[],
  used: readonly string[] = [],
): Promise<void> => {
  const owed = new Map<string, number>();
  for (const address of accepted) owed.set(address, (owed.get(address) ?? 0) + 1);
  const got = await countByRecipient(inbox);
  expect(differences(owed, got)).toEqual([]);
  const newest = new Map((await inbox.messages()).map(({ id, envelope }) => [envelope.to[0], id]));
  const dead: string[] = [];
  for (const [address, id] of newest) {
    if (address !== undefined && used.includes(address)) continue;
    const mail = await inbox.message(id);
    const token = mail === undefined ? '' : (linkOf(mail).searchParams.get('token') ?? '');
    if (!(await client.check(token)).valid) dead.push(address ?? id);
  }
  expect(dead).toEqual([]);
};

const differences = (owed: ReadonlyMap<string, number>, got: ReadonlyMap<string, number>): string[] =>
  [...new Set([...owed.keys(), ...got.keys()])]
    .filter((address) => owed.get(address) !== got.get(address))
    .map((address) => `${address}: ${owed.get(address) ?? 0} owed, ${got.get(address) ?? 0} sent`);
