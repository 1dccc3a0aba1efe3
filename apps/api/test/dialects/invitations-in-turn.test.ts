import { afterAll, beforeAll, expect, it } from 'vitest';
import { handOverNewest } from '../support/hand-over.ts';
import {
  adminKey,
  appOrigin,
  type Installation,
  openInstallation,
  type TestApi,
} from '../support/installation.ts';
import { gotrueSettings, withoutLimits } from '../support/gotrue.ts';
import { type Answer, newEmail } from '../support/requests.ts';

let installation: Installation;
let api: TestApi;
beforeAll(async () => {
  installation = await openInstallation();
  api = await installation.startApi({
    ...gotrueSettings(),
    ...withoutLimits,
    CONTRACTS: 'v1,gotrue,entryguard',
    ENTRYGUARD_RATE_LIMIT_ADDRESS: 'off',
    GOTRUE_SITE_URL: `${appOrigin}/welcome`,
  });
});
afterAll(() => installation.close());

const asOperator = (method: 'GET' | 'POST' | 'DELETE', url: string, body?: object): Promise<Answer> =>
  api.app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${adminKey}` },
    ...(body === undefined ? {} : { payload: body }),
  });

const invitationOf = async (id: string): Promise<unknown> =>
  (await asOperator('GET', `/api/v1/users/${id}/invitation`)).json<{ invitation: unknown }>().invitation;

it('an invitation by GoTrue is seen, sent again and withdrawn by EntryGuard, and one token of both works', async () => {
  const email = newEmail();
  const invited = await asOperator('POST', '/auth/v1/invite', { email });
  expect(invited.statusCode).toBe(200);
  const { id } = invited.json<{ id: string }>();
  const first = await handOverNewest(installation.db, api.config);
  expect(await invitationOf(id)).toMatchObject({ status: 'PENDING', generation: 1, invitedBy: 'operator' });

  expect((await asOperator('POST', `/api/v1/users/${id}/invitation/resend`)).statusCode).toBeLessThan(300);
  const second = await handOverNewest(installation.db, api.config);
  expect(await invitationOf(id)).toMatchObject({ status: 'PENDING', generation: 2 });
  expect((await accept(first.token)).statusCode).toBe(400);

  expect((await asOperator('DELETE', `/api/v1/users/${id}/invitation`)).statusCode).toBeLessThan(300);
  expect((await accept(second.token)).statusCode).toBe(400);

  await asOperator('POST', '/auth/v1/invite', { email });
  const third = await handOverNewest(installation.db, api.config);
  expect(await invitationOf(id)).toMatchObject({ status: 'PENDING', generation: 3 });
  expect((await accept(third.token)).statusCode).toBe(200);
  expect(await invitationOf(id)).toMatchObject({ status: 'ACCEPTED' });
});

const accept = (inviteToken: string): Promise<Answer> =>
  api.app.inject({
    method: 'POST',
    url: '/api/v1/auth/set-password',
    payload: { inviteToken, password: 'correct horse battery' },
  });
