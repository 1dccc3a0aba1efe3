import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorReason } from '@reconfirm/core/error-codes';
import { beginAttempt, claim, record } from './support/hand-over.ts';
import { type Installation, openInstallation } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { get, newClient, newEmail, post, register, resend, tenantOf } from './support/requests.ts';
import { allMessages, countRows, newestMessage } from './support/rows.ts';

describe('EMAIL_PROVIDER=none', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  it('EMAIL_OFF=rotate: a resend is a 200 as ever and ends the older token at once', async () => {
    const api = await installation.startApi({
      EMAIL_PROVIDER: 'none',
      EMAIL_OFF: 'rotate',
      RATE_LIMIT_ADDRESS: 'off',
    });
    const registered = await register(api);
    const claimed = await claim(installation.db, (await newestMessage(installation.db)).id);
    const { token } = await beginAttempt(installation.db, api.config, claimed, 'none');
    await record(installation.db, claimed, { status: 'skipped', reason: 'email_off' });
    const check = (): Promise<unknown> =>
      get(api, `/v1/verify-email/check?token=${token}`).then((answer) => answer.json());

    expect(await check()).toEqual({ valid: true, email: registered.email });
    const answer = await resend(api, registered.email);
    expect(answer.statusCode).toBe(200);
    expect(await check()).toEqual({ valid: false });
    expect(await tenantOf(api, registered)).toMatchObject({ verificationEmailStatus: null });
  });

  it.each<{ setting: string; status: number; reason: ErrorReason }>([
    { setting: '503', status: 503, reason: 'EMAIL_DISABLED' },
    { setting: '400', status: 400, reason: 'EMAIL_PROVIDER_DISABLED' },
  ])(
    'EMAIL_OFF=$setting: a resend is a $status $reason before any limit is charged',
    async ({ setting, status, reason }) => {
      const off = await installation.startApi({ EMAIL_PROVIDER: 'none', EMAIL_OFF: setting });
      const on = await installation.startApi();
      const [from, email] = [newClient(), newEmail()];
      const before = await countRows(installation.db);
      for (let count = 0; count < 8; count += 1)
        expectProblem(await resend(off, email, { from }), { status, reason });
      expect(await countRows(installation.db)).toEqual(before);

      const answers = [(await resend(on, email, { from })).statusCode];
      for (let count = 0; count < 5; count += 1)
        answers.push((await resend(on, newEmail(), { from })).statusCode);
      expect(answers).toEqual([200, 200, 200, 200, 200, 429]);
    },
  );

  it('EMAIL_OFF has no say while a provider is set', async () => {
    const api = await installation.startApi({ EMAIL_OFF: '503' });
    expect((await resend(api, newEmail())).statusCode).toBe(200);
  });

  it('registering goes on: the operator verifies by hand', async () => {
    const api = await installation.startApi({ EMAIL_PROVIDER: 'none', EMAIL_OFF: '503' });
    const before = (await allMessages(installation.db)).length;
    expect((await post(api, '/v1/register', { email: newEmail() })).statusCode).toBe(201);
    expect(await allMessages(installation.db)).toHaveLength(before + 1);
  });
});
