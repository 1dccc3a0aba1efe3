import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import {
  type Answer,
  newClient,
  newEmail,
  postAsAdmin,
  register,
  resend,
  setTenantStatus,
} from './support/requests.ts';

/** Everything a stranger sees, save the instant itself. */
const visible = (answer: Answer): object => ({
  status: answer.statusCode,
  body: answer.body.replace(/"requestId":"[^"]+"/, ''),
  headers: Object.fromEntries(Object.entries(answer.headers).filter(([name]) => name !== 'date')),
});

describe('what a resend tells a stranger', () => {
  let installation: Installation;
  let documented: TestApi;
  let strict: TestApi;
  let quiet: TestApi;

  beforeAll(async () => {
    installation = await openInstallation();
    // Registers without a trace in the limits, so that every kind of address starts from the same state.
    quiet = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
    documented = await installation.startApi({ DISCLOSURE: 'documented', RATE_LIMIT_ADDRESS: '5/600' });
    strict = await installation.startApi({ DISCLOSURE: 'strict', RATE_LIMIT_ADDRESS: '5/600' });
  });
  afterAll(() => installation.close());

  /** An address that was charged once, whoever it belongs to. */
  const addresses = {
    unknown: async () => {
      const email = newEmail();
      await resend(quiet, email);
      return email;
    },
    pending: async () => (await register(quiet)).email,
    verified: async () => {
      const { email, tenantId } = await register(quiet);
      await postAsAdmin(quiet, `/v1/admin/tenants/${tenantId}/verify`);
      return email;
    },
    suspended: async () => {
      const { email, tenantId } = await register(quiet);
      await setTenantStatus(quiet, tenantId, 'SUSPENDED');
      return email;
    },
  };

  /** Accepted requests until the limit, and one refusal: what one client sees of one address. */
  const conversation = async (api: TestApi, email: string): Promise<object[]> => {
    const from = newClient();
    const answers: object[] = [];
    for (let count = 0; count < 5; count += 1) answers.push(visible(await resend(api, email, { from })));
    return answers;
  };

  /** Waits shrink while the test runs, so seconds count as equal. */
  const withoutSeconds = (answers: readonly object[]): string =>
    JSON.stringify(answers)
      .replaceAll(/;t=\d+/g, ';t=N')
      .replaceAll(/("retry-after":"|in )\d+/g, '$1N');

  it('documented: unknown and pending get the same status, body and headers, up to the refusal', async () => {
    const unknown = await conversation(documented, await addresses.unknown());
    const pending = await conversation(documented, await addresses.pending());
    expect(unknown.map((answer) => (answer as { status: number }).status)).toEqual([200, 200, 200, 200, 429]);
    expect(withoutSeconds(pending)).toBe(withoutSeconds(unknown));
  });

  it('strict: verified and suspended cannot be told from unknown and pending either', async () => {
    const unknown = withoutSeconds(await conversation(strict, await addresses.unknown()));
    for (const kind of ['pending', 'verified', 'suspended'] as const)
      expect({ kind, seen: withoutSeconds(await conversation(strict, await addresses[kind]())) }).toEqual({
        kind,
        seen: unknown,
      });
  });

  it('documented: the states of the table are shown to everybody', async () => {
    expectProblem(await resend(documented, await addresses.verified()), {
      status: 409,
      reason: 'ALREADY_VERIFIED',
    });
    expectProblem(await resend(documented, await addresses.suspended()), {
      status: 403,
      reason: 'ACCOUNT_SUSPENDED',
    });
  });

  it('strict: no state is shown, not even of a verified account', async () => {
    expect((await resend(strict, await addresses.verified())).statusCode).toBe(200);
  });
});
