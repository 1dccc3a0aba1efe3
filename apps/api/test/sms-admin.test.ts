import { pauseSms } from '@reconfirm/db/sms-spend';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { get, getAsAdmin, post } from './support/requests.ts';

let installation: Installation;
let api: TestApi;
beforeAll(async () => {
  installation = await openInstallation();
  api = await installation.startApi();
});
afterAll(() => installation.close());

const release = (scope: string) =>
  post(api, '/v1/admin/sms/release', { scope }, { headers: { authorization: `Bearer ${adminKey}` } });

it('an operator sees what is paused and lets it go again, once', async () => {
  await pauseSms(installation.db, 'prefix:+4520123', { sent: 30, verified: 1 });
  const answer = await getAsAdmin(api, '/v1/admin/sms');
  expect(answer.json()).toEqual({
    ok: true,
    pauses: [{ scope: 'prefix:+4520123', pausedAt: expect.any(String) as string, sent: 30, verified: 1 }],
    lastDay: [],
  });
  expect((await release('prefix:+4520123')).json()).toEqual({ ok: true, scope: 'prefix:+4520123' });
  expectProblem(await release('prefix:+4520123'), { status: 404, reason: 'SMS_SCOPE_NOT_PAUSED' });
  expect((await getAsAdmin(api, '/v1/admin/sms')).json()).toMatchObject({ pauses: [] });
});

it.each(['global', 'prefix:+45201234567', 'country:Denmark', ''])('%j is no scope', async (scope) => {
  expectProblem(await release(scope), { status: 400, reason: 'VALIDATION_FAILED' });
});

it('nobody else may look or release', async () => {
  expectProblem(await get(api, '/v1/admin/sms'), { status: 401, reason: 'UNAUTHORIZED' });
  expectProblem(await post(api, '/v1/admin/sms/release', { scope: 'country:DK' }), {
    status: 401,
    reason: 'UNAUTHORIZED',
  });
});
