import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './support/eventually.ts';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { type Answer, newEmail, post } from './support/requests.ts';

const defaultId = '00000000-0000-7000-8000-000000000001';
const redirectUrl = 'https://app.example.com/signed-in';

describe('limits of one purpose', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  const ask = (api: TestApi, email: string, purpose: string): Promise<Answer> =>
    post(api, '/v1/resend', { email, purpose, redirectUrl });
  const statusesOf = async (api: TestApi, purpose: string, times: number): Promise<readonly number[]> => {
    const email = newEmail();
    const statuses = [];
    for (let i = 0; i < times; i += 1) statuses.push((await ask(api, email, purpose)).statusCode);
    return statuses;
  };
  const set = (api: TestApi, settings: Record<string, string | null>): Promise<Answer> =>
    api.app.inject({
      method: 'PATCH',
      url: `/v1/admin/organizations/${defaultId}`,
      headers: { authorization: `Bearer ${adminKey}` },
      payload: { settings },
    });

  it('hold in place of the contract’s, and for that purpose only', async () => {
    const api = await installation.startApi({ PURPOSE_RATE_LIMITS: 'magiclink=2/60,3/600' });
    expect(await statusesOf(api, 'magiclink', 3)).toEqual([200, 200, 429]);
    expect(await statusesOf(api, 'signup', 2)).toEqual([200, 429]);
  });

  it('are an organization’s from its next change on, without a restart, a daily cap among them', async () => {
    const api = await installation.startApi({ RATE_LIMIT_MEMORY_SECONDS: '86400' });
    expect(await statusesOf(api, 'magiclink', 2)).toEqual([200, 429]);
    expect((await set(api, { PURPOSE_RATE_LIMITS: 'magiclink=3/60,4/600,10/86400' })).statusCode).toBe(200);
    await eventually(
      'the change is known',
      async () => (await statusesOf(api, 'magiclink', 2)).every((status) => status === 200) || undefined,
      20_000,
    );
    expect(await statusesOf(api, 'magiclink', 4)).toEqual([200, 200, 200, 429]);
    expect(await statusesOf(api, 'signup', 2), 'another purpose').toEqual([200, 429]);
    await set(api, { PURPOSE_RATE_LIMITS: null });
  }, 60_000);

  it('look back no further than requests are remembered', async () => {
    const api = await installation.startApi();
    const problem = expectProblem(await set(api, { PURPOSE_RATE_LIMITS: 'magiclink=10/86400' }), {
      status: 400,
      reason: 'VALIDATION_FAILED',
    });
    expect(JSON.stringify(problem)).toContain('RATE_LIMIT_MEMORY_SECONDS');
  });
});
