import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { AppError } from '@reconfirm/core/app-error';
import { createPostgresLimiter } from '../src/limiter/postgres.ts';
import { createSignIn, type SignInCommand, type SignInOutcome } from '../src/sign-in.ts';
import { type AccessScene, asSecret, openAccess, type SceneAccount } from './support/access-scene.ts';
import { configOf, type Installation, openInstallation } from './support/installation.ts';
import { newClient, newEmail } from './support/requests.ts';
import { parseEmailAddress } from '@reconfirm/core/account';

let installation: Installation;
let scene: AccessScene;
beforeAll(async () => {
  installation = await openInstallation();
  scene = await openAccess(installation);
});
afterAll(() => installation.close());

const password = 'correct horse battery';

const createMember = async (
  changes: { readonly status?: 'pending' | 'active' | 'suspended' } = {},
): Promise<SceneAccount> => {
  const account = await scene.createAccount(changes);
  const set = await scene.setPassword({
    accountId: account.id,
    password: asSecret(password),
    spareSessionId: null,
  });
  expect(set.kind).toBe('set');
  return account;
};

const commandFor = (
  { destination }: Pick<SceneAccount, 'destination'>,
  changes: Partial<SignInCommand> = {},
): SignInCommand => ({
  organizationId: defaultOrganizationId,
  destination,
  password: asSecret(password),
  clientAddress: newClient(),
  onlyVerified: false,
  ...changes,
});

const nobody = (): Pick<SceneAccount, 'destination'> => {
  const destination = parseEmailAddress(newEmail());
  if (destination === undefined) throw new Error('not an address');
  return { destination };
};

describe('signing in', () => {
  it('with the right password opens a session of the account', async () => {
    const account = await createMember();
    const outcome = await scene.signIn(commandFor(account));
    if (outcome.kind !== 'signed_in') throw new Error(outcome.kind);
    expect(outcome.accountId).toBe(account.id);
    expect(await scene.identityOf(outcome.session)).toMatchObject({ accountId: account.id });
    const row = await scene.db
      .selectFrom('accounts')
      .select('last_signed_in_at')
      .where('id', '=', account.id)
      .executeTakeFirstOrThrow();
    expect(row.last_signed_in_at).toBeInstanceOf(Date);
  });

  it('of an unknown person, with a wrong password, and without one, is one and the same answer', async () => {
    const [member, without] = [await createMember(), await scene.createAccount()];
    const wrong = { password: asSecret('wrong horse battery') };
    const outcomes = [
      await scene.signIn(commandFor(nobody())),
      await scene.signIn(commandFor(member, wrong)),
      await scene.signIn(commandFor(without)),
      await scene.signIn(commandFor(await createMember(), { password: asSecret('') })),
      await scene.signIn(commandFor(await createMember({ status: 'suspended' }), wrong)),
      await scene.signIn(
        commandFor(await createMember({ status: 'pending' }), { ...wrong, onlyVerified: true }),
      ),
    ];
    const [first] = outcomes;
    expect(first?.kind).toBe('refused');
    for (const outcome of outcomes) expect(outcome).toEqual(first);
  });

  it('tells whoever knows the password that the account is suspended, or not verified where that matters', async () => {
    const suspended = await createMember({ status: 'suspended' });
    expect((await scene.signIn(commandFor(suspended))).kind).toBe('suspended');
    const pending = await createMember({ status: 'pending' });
    expect((await scene.signIn(commandFor(pending, { onlyVerified: true }))).kind).toBe('unverified');
    expect((await scene.signIn(commandFor(pending))).kind).toBe('signed_in');
  });

  it('to an account of another organization is refused', async () => {
    const account = await createMember();
    const outcome = await scene.signIn(
      commandFor(account, { organizationId: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01' }),
    );
    expect(outcome.kind).toBe('refused');
  });
});

describe('the limits of signing in', () => {
  const kindsOf = (outcomes: readonly SignInOutcome[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  };

  it.each([
    ['a person who exists', () => createMember()],
    ['a person who does not', async () => nobody()],
  ])('let 10 of 50 parallel guesses at %s through, from whatever clients', async (_, person) => {
    const somebody = await person();
    const command = () => commandFor(somebody, { password: asSecret('wrong horse battery') });
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => scene.signIn(command())));
    expect(kindsOf(outcomes)).toEqual({ refused: 10, limited: 40 });
    const limited = outcomes.find((outcome) => outcome.kind === 'limited');
    expect(limited).toMatchObject({
      by: { kind: 'address', retryAfterSeconds: expect.any(Number) as number },
    });
    // Not even with the right password: else guessing would only have to be patient.
    expect((await scene.signIn(commandFor(somebody))).kind).toBe('limited');
  });

  it('let one client guess 10 times, at whomever', async () => {
    const clientAddress = newClient();
    const outcomes: SignInOutcome[] = [];
    for (let count = 0; count < 12; count += 1)
      outcomes.push(await scene.signIn(commandFor(nobody(), { clientAddress })));
    expect(kindsOf(outcomes)).toEqual({ refused: 10, limited: 2 });
    expect(outcomes.at(-1)).toMatchObject({ by: { kind: 'ip' } });
  });

  it('do not keep an office behind one address from arriving at the same time', async () => {
    const clientAddress = newClient();
    const members: SceneAccount[] = [];
    for (let count = 0; count < 12; count += 1) members.push(await createMember());
    const outcomes: SignInOutcome[] = [];
    for (const member of members) outcomes.push(await scene.signIn(commandFor(member, { clientAddress })));
    expect(kindsOf(outcomes)).toEqual({ signed_in: 12 });
  });

  it('bound how often one person signs in, and so the work and the sessions that a password buys', async () => {
    const member = await createMember();
    const outcomes: SignInOutcome[] = [];
    for (let count = 0; count < 12; count += 1) outcomes.push(await scene.signIn(commandFor(member)));
    expect(kindsOf(outcomes)).toEqual({ signed_in: 10, limited: 2 });
  });

  it('charge nothing for a sign-in that too many passwords kept from being looked at', async () => {
    const config = configOf(installation.settings);
    const faulty = createSignIn({
      keys: {
        hashKey: config.ADDRESS_HASH_KEY,
        ipv6PrefixBits: config.IPV6_PREFIX_BITS,
        rememberSeconds: { ip: 3600, email: 3600, phone: 3600 },
      },
      limits: config.RATE_LIMIT_SIGN_IN,
      limiter: createPostgresLimiter(scene.db),
      findCredentials: async () => undefined,
      passwords: { verify: () => Promise.reject(new AppError('passwords_busy', 'too many')) },
      sessions: scene.sessions,
      decided: () => undefined,
    });
    const [member, clientAddress] = [await createMember(), newClient()];
    for (let count = 0; count < 15; count += 1)
      await expect(faulty(commandFor(member, { clientAddress }))).rejects.toMatchObject({
        code: 'passwords_busy',
      });
    expect((await scene.signIn(commandFor(member, { clientAddress }))).kind).toBe('signed_in');
  });

  it('are told apart in the metrics by outcome', async () => {
    expect(await scene.metricText()).toMatch(/reconfirm_sign_ins_total\{outcome="limited"\} \d+/);
  });
});

describe('setting a password', () => {
  it('ends every other session, keeps the one that asked, and is an event of the account', async () => {
    const account = await createMember();
    const [own, other] = [await scene.sessions.open(account), await scene.sessions.open(account)];
    const outcome = await scene.setPassword({
      accountId: account.id,
      password: asSecret('another horse battery'),
      spareSessionId: own.sessionId,
    });
    expect(outcome).toEqual({ kind: 'set', endedSessions: 1 });
    const kinds = await Promise.all(
      [own, other].map(
        async ({ accessToken }) => (await scene.sessions.authenticate(accessToken.reveal())).kind,
      ),
    );
    expect(kinds).toEqual(['authenticated', 'ended']);
    const events = await scene.db
      .selectFrom('account_events')
      .select('type')
      .where('account_id', '=', account.id)
      .execute();
    expect(events).toEqual([{ type: 'PASSWORD_CHANGED' }, { type: 'PASSWORD_CHANGED' }]);
    expect((await scene.signIn(commandFor(account))).kind).toBe('refused');
    expect(
      (await scene.signIn(commandFor(account, { password: asSecret('another horse battery') }))).kind,
    ).toBe('signed_in');
  });

  it('tells everything that is wrong with it and then changes nothing', async () => {
    const account = await createMember();
    const command = { accountId: account.id, spareSessionId: null };
    expect(await scene.setPassword({ ...command, password: asSecret('short') })).toEqual({
      kind: 'weak',
      problems: ['too_short'],
    });
    const strict = { sizeMin: 8, sizeMax: 128, classes: ['upper', 'digit'] } as const;
    expect(await scene.setPassword({ ...command, password: asSecret('a long one'), policy: strict })).toEqual(
      {
        kind: 'weak',
        problems: ['lacks_upper', 'lacks_digit'],
      },
    );
    expect((await scene.signIn(commandFor(account))).kind).toBe('signed_in');
  });

  it('follows the policy of the installation', async () => {
    const strict = await openAccess(installation, { PASSWORD_LENGTH_MIN: '12', PASSWORD_CLASSES: 'special' });
    const account = await strict.createAccount();
    const outcome = await strict.setPassword({
      accountId: account.id,
      password: asSecret('elevenchars'),
      spareSessionId: null,
    });
    expect(outcome).toEqual({ kind: 'weak', problems: ['too_short', 'lacks_special'] });
  });

  it('of an account that is gone is told', async () => {
    const outcome = await scene.setPassword({
      accountId: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01',
      password: asSecret(password),
      spareSessionId: null,
    });
    expect(outcome).toEqual({ kind: 'unknown_account' });
  });
});

describe('after everything that people do with passwords and sessions', () => {
  it('no row and no line of the log holds a password, a token, or an address in the wrong place', async () => {
    const canary = 'canary horse battery';
    const account = await scene.createAccount();
    const secrets = [canary];
    await scene.setPassword({ accountId: account.id, password: asSecret(canary), spareSessionId: null });
    await scene.signIn(commandFor(account, { password: asSecret(`${canary} wrong`) }));
    const signedIn = await scene.signIn(commandFor(account, { password: asSecret(canary) }));
    if (signedIn.kind !== 'signed_in') throw new Error(signedIn.kind);
    const refreshed = await scene.sessions.refresh(signedIn.session.refreshToken.reveal());
    if (refreshed.kind !== 'refreshed') throw new Error(refreshed.kind);
    for (const session of [signedIn.session, refreshed.session]) {
      await scene.sessions.authenticate(`${session.accessToken.reveal()}x`);
      const [accessToken, refreshToken] = [session.accessToken.reveal(), session.refreshToken.reveal()];
      secrets.push(accessToken, accessToken.split('.')[2] ?? '', refreshToken, refreshToken.slice(3));
      secrets.push(Buffer.from(refreshToken.slice(3), 'base64url').toString('hex'));
    }
    expect(JSON.stringify([signedIn, refreshed])).not.toMatch(/eyJ|rt_/);

    const tables = await scene.db.introspection.getTables();
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['sessions', 'refresh_tokens']));
    const told: string[] = [scene.logged()];
    for (const { name } of tables) {
      const rows = await scene.db
        .selectFrom(name as 'accounts')
        .selectAll()
        .execute();
      told.push(JSON.stringify(rows, (_, value: unknown) => hexOf(value)));
      if (name !== 'accounts') expect([name, told.at(-1)?.includes(account.email)]).toEqual([name, false]);
    }
    expect(told.join('\n')).toContain('$argon2id$');
    for (const secret of secrets)
      expect([secret.length, told.join('\n').includes(secret)]).toEqual([secret.length, false]);
  });
});

/** Bytes as a dump shows them. */
const hexOf = (value: unknown): unknown => {
  const bytes = value as { readonly type?: string; readonly data?: readonly number[] } | null;
  return typeof bytes === 'object' && bytes?.type === 'Buffer'
    ? Buffer.from(bytes.data ?? []).toString('hex')
    : value;
};
