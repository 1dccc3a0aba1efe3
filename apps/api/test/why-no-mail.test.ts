import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from './support/hand-over.ts';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { getAsAdmin, newEmail, post, register, resend } from './support/requests.ts';
import { newestMessage } from './support/rows.ts';

interface Page {
  readonly messages: readonly {
    readonly id: string;
    readonly purpose: string;
    readonly state: string;
  }[];
  readonly addressLabel: string;
  readonly limits?: readonly {
    readonly purpose: string;
    readonly contracts: readonly string[];
    readonly allowed: boolean;
    readonly retryAfterSeconds: number;
    readonly windows: readonly { readonly max: number; readonly remaining: number }[];
  }[];
  readonly limitsSummary?: string;
}

describe('what an operator is told of an address', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_ADDRESS: '2/60,9/86400', RATE_LIMIT_IP: 'off' });
  });
  afterAll(() => installation.close());

  const list = async (address: string): Promise<Page> =>
    (await getAsAdmin(api, `/v1/admin/messages?address=${encodeURIComponent(address)}`)).json<Page>();

  it('a limit that refuses is named with when it frees, and asking charges nothing', async () => {
    const email = newEmail();
    await register(api, { email });
    expect((await list(email)).limitsSummary).toContain('No limit of this address is used up now.');
    for (let asked = 0; asked < 9; asked += 1) await list(email);
    expect((await resend(api, email)).statusCode).toBe(200);
    expect((await resend(api, email)).statusCode).toBe(429);

    const page = await list(email);
    expect(page.messages).toHaveLength(2);
    const [limit] = page.limits ?? [];
    expect(limit).toMatchObject({
      purpose: 'signup',
      contracts: ['v1'],
      allowed: false,
      windows: [
        { max: 2, remaining: 0 },
        { max: 9, remaining: 7 },
      ],
    });
    expect(page.limits).toHaveLength(1);
    expect(limit?.retryAfterSeconds).toBeGreaterThan(0);
    expect(limit?.retryAfterSeconds).toBeLessThanOrEqual(60);
    expect(page.limitsSummary).toMatch(
      /^A request for signup by v1 is refused now, because 2 in 1 minute is used up; the next one is accepted in .*\. A refused request leaves no message; the log has it under addressLabel\.$/,
    );
    expect(api.logged()).toContain(page.addressLabel);
  });

  it('nothing is said to be counted of an address that nobody asked for', async () => {
    const page = await list(newEmail());
    expect(page).toMatchObject({ messages: [], limits: [] });
    expect(page.limitsSummary).toContain('Nothing is counted for this address now');
  });

  it('the mails of a change are found by the address that each goes to, and by no other', async () => {
    const [email, newAddress] = [newEmail(), newEmail()];
    const { apiKey } = await register(api, { email });
    await handOverNewest(installation.db, api.config);
    const asked = await post(
      api,
      '/v1/tenants/me/email-change',
      { email: newAddress },
      { headers: { authorization: `Bearer ${apiKey}` } },
    );
    expect(asked.statusCode).toBe(202);
    const { id } = await newestMessage(installation.db);
    expect((await list(newAddress)).messages).toMatchObject([{ id, purpose: 'email_change' }]);
    expect((await list(email)).messages).toMatchObject([{ purpose: 'signup' }]);
  });

  it('SENT is told apart from waiting, and a provider that reports nothing is not waited for', async () => {
    const { email } = await register(api);
    expect((await list(email)).messages[0]?.state).toBe('QUEUED');
    const { messageId } = await handOverNewest(installation.db, api.config);
    await installation.db
      .updateTable('messages')
      .set({ provider: 'mailgun', sent_at: new Date(Date.now() - 90_000_000) })
      .where('id', '=', messageId)
      .execute();
    expect((await list(email)).messages[0]?.state).toBe('UNCONFIRMED');
    await installation.db
      .updateTable('messages')
      .set({ provider: 'smtp' })
      .where('id', '=', messageId)
      .execute();
    expect((await list(email)).messages[0]?.state).toBe('SENT');
  });
});
