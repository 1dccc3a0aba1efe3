import type { ApiClient } from './api-client.ts';
import { untilSettled } from './load.ts';
import { shuffled } from './timing-statistics.ts';

/** What an address may be to the service; `unknown` is what all others are compared with. */
export const knownClasses = ['pending', 'verified', 'suspended', 'suppressed'] as const;
export type KnownClass = (typeof knownClasses)[number];
export type AddressClass = KnownClass | 'unknown';

export type Population = ReadonlyMap<AddressClass, readonly string[]>;

/**
 * Makes as many addresses of each class. Which address is of which class is drawn: they are all made by the
 * same pattern, of the same length, so nothing but the class can tell them apart.
 */
export const settlePopulation = async (
  client: ApiClient,
  adminKey: string,
  countOfEach: number,
  random: () => number,
): Promise<Population> => {
  const names = new Set<string>();
  while (names.size < countOfEach * (knownClasses.length + 1))
    names.add(
      `p${Math.floor(random() * 36 ** 9)
        .toString(36)
        .padStart(9, '0')}@example.com`,
    );
  const drawn = shuffled([...names], random);
  const population = new Map<AddressClass, readonly string[]>();
  for (const name of [...knownClasses, 'unknown'] as const)
    population.set(name, drawn.splice(0, countOfEach));

  const asAdmin = { headers: { authorization: `Bearer ${adminKey}` } };
  const expectDone = async (method: string, path: string, json?: unknown): Promise<void> => {
    const { status, body } = await client.ask(method, path, {
      ...asAdmin,
      ...(json !== undefined && { json }),
    });
    if (status !== 200) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(body)}`);
  };
  const settleOne = async (name: KnownClass, email: string): Promise<void> => {
    const { status, body } = await client.register(email);
    if (status !== 201) throw new Error(`An account could not be made: ${status} ${JSON.stringify(body)}`);
    const { id } = body.tenant;
    if (name === 'verified') await expectDone('POST', `/v1/admin/tenants/${id}/verify`);
    if (name === 'suspended')
      await expectDone('PATCH', `/v1/admin/tenants/${id}/status`, { status: 'SUSPENDED' });
    if (name === 'suppressed')
      await expectDone('POST', '/v1/admin/suppressions', {
        address: email,
        by: 'timing',
        why: 'a class of addresses',
      });
  };
  // In mixed order too, or the rows of a class would lie side by side.
  const waiting = shuffled(
    knownClasses.flatMap((name) => (population.get(name) ?? []).map((email) => ({ name, email }))),
    random,
  );
  while (waiting.length > 0)
    await Promise.all(waiting.splice(0, 16).map(({ name, email }) => settleOne(name, email)));
  await untilSettled(client);
  return population;
};
