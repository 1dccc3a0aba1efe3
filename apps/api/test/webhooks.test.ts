import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyParkedEvents } from '@reconfirm/db/delivery-events';
import { beginAttempt, claim, handOverNewest, record } from './support/hand-over.ts';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { postLegacy, postRaw, postReport, report, sign } from './support/mailgun.ts';
import { type Registered, register, resend, tenantOf } from './support/requests.ts';
import { countRows, newestMessage } from './support/rows.ts';

const unknownId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';

describe('POST /v1/mailgun/webhook', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
  });
  afterAll(() => installation.close());

  const statusOf = async (messageId: string): Promise<string> =>
    (
      await installation.db
        .selectFrom('messages')
        .select('status')
        .where('id', '=', messageId)
        .executeTakeFirstOrThrow()
    ).status;
  const registerAndMail = async (): Promise<Registered & { readonly messageId: string }> => ({
    ...(await register(api)),
    messageId: (await handOverNewest(installation.db, api.config)).messageId,
  });

  it.each([
    ['delivered', {}, 'delivered', 'DELIVERED'],
    ['complained', {}, 'complained', 'COMPLAINED'],
    ['failed', { severity: 'permanent', reason: 'bounce' }, 'bounced', 'FAILED'],
    ['failed', { severity: 'permanent' }, 'undelivered', 'FAILED'],
    ['failed', {}, 'undelivered', 'FAILED'],
    ['failed', { severity: 'temporary' }, 'sent', 'SENT'],
    ['rejected', { reject: { reason: 'Sandbox' } }, 'undelivered', 'FAILED'],
    ['opened', {}, 'sent', 'SENT'],
    ['something_new', {}, 'sent', 'SENT'],
  ])('v3 "%s" %j moves the message to %s and its tenant to %s', async (event, more, status, shown) => {
    const { messageId, ...registered } = await registerAndMail();
    expect(await tenantOf(api, registered)).toMatchObject({ verificationEmailStatus: 'SENT' });
    const answer = await postReport(api, report(event, messageId, more));
    expect([answer.statusCode, answer.json()]).toEqual([200, { ok: true }]);
    expect(await statusOf(messageId)).toBe(status);
    expect(await tenantOf(api, registered)).toMatchObject({ verificationEmailStatus: shown });
  });

  it.each([
    ['delivered', 'delivered'],
    ['bounced', 'bounced'],
    ['dropped', 'undelivered'],
    ['complained', 'complained'],
  ])('the older flat form "%s" moves the message to %s', async (event, status) => {
    const { messageId } = await registerAndMail();
    const answer = await postLegacy(api, {
      event,
      recipient: 'a@example.org',
      'Message-Id': `<${messageId}@mail.example.com>`,
    });
    expect(answer.statusCode).toBe(200);
    expect(await statusOf(messageId)).toBe(status);
  });

  it('the older flat form is taken as JSON too', async () => {
    const { messageId } = await registerAndMail();
    const body = { ...sign(), event: 'delivered', 'message-id': `${messageId}@mail.example.com` };
    expect((await postRaw(api, JSON.stringify(body))).statusCode).toBe(200);
    expect(await statusOf(messageId)).toBe('delivered');
  });

  it('a message is found by the Message-ID when the metadata is lost, and the other way round', async () => {
    const [one, other] = [await registerAndMail(), await registerAndMail()];
    await postReport(api, report('delivered', one.messageId, { 'user-variables': {} }));
    await postReport(
      api,
      report('delivered', other.messageId, { message: { headers: { 'message-id': 'foreign@example.net' } } }),
    );
    expect([await statusOf(one.messageId), await statusOf(other.messageId)]).toEqual([
      'delivered',
      'delivered',
    ]);
  });

  it('the same report again, signed anew or sent as it was, has no effect and answers 200', async () => {
    const { messageId } = await registerAndMail();
    const [event, signature] = [report('delivered', messageId), sign()];
    await postReport(api, event, signature);
    const before = await countRows(installation.db);
    for (const again of [signature, sign()])
      expect((await postReport(api, event, again)).statusCode).toBe(200);
    expect(await countRows(installation.db)).toEqual(before);
  });

  it('of 20 copies at once one counts', async () => {
    const { messageId } = await registerAndMail();
    const before = await countRows(installation.db);
    const [event, signature] = [report('delivered', messageId), sign()];
    const answers = await Promise.all(Array.from({ length: 20 }, () => postReport(api, event, signature)));
    expect(new Set(answers.map((answer) => answer.statusCode))).toEqual(new Set([200]));
    const after = await countRows(installation.db);
    expect(after['delivery_events']).toBe((before['delivery_events'] ?? 0) + 1);
    expect(after['account_events']).toBe((before['account_events'] ?? 0) + 1);
  });

  it('every order of the same reports ends in the same state', async () => {
    const names = ['delivered', 'failed', 'complained'] as const;
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ] as const;
    for (const order of orders) {
      const { messageId, ...registered } = await registerAndMail();
      for (const index of order) await postReport(api, report(names[index], messageId));
      expect([order, await statusOf(messageId)]).toEqual([order, 'complained']);
      expect(await tenantOf(api, registered)).toMatchObject({ verificationEmailStatus: 'COMPLAINED' });
    }
  });

  it('a late "delivered" undoes a soft bounce, and not a hard one', async () => {
    const soft = await registerAndMail();
    await postReport(api, report('failed', soft.messageId, { severity: 'permanent', reason: 'old' }));
    await postReport(api, report('delivered', soft.messageId));
    expect(await statusOf(soft.messageId)).toBe('delivered');
    const { messageId } = await registerAndMail();
    await postReport(api, report('failed', messageId, { severity: 'permanent', reason: 'bounce' }));
    await postReport(api, report('delivered', messageId));
    expect(await statusOf(messageId)).toBe('bounced');
  });

  it('a report that comes before SENT is recorded counts, and SENT does not undo it', async () => {
    const registered = await register(api);
    const claimed = await claim(installation.db, (await newestMessage(installation.db)).id);
    await beginAttempt(installation.db, api.config, claimed);
    expect((await postReport(api, report('delivered', claimed.id))).statusCode).toBe(200);
    expect(await statusOf(claimed.id)).toBe('delivered');
    await record(installation.db, claimed, { status: 'sent', result: 'accepted' });
    expect(await statusOf(claimed.id)).toBe('delivered');
    expect(await tenantOf(api, registered)).toMatchObject({ verificationEmailStatus: 'DELIVERED' });
  });

  it('a report of an older message moves that message, and not the tenant', async () => {
    const { messageId, ...registered } = await registerAndMail();
    await resend(api, registered.email);
    await handOverNewest(installation.db, api.config);
    await postReport(api, report('complained', messageId));
    expect(await statusOf(messageId)).toBe('complained');
    expect(await tenantOf(api, registered)).toMatchObject({ verificationEmailStatus: 'SENT' });
  });

  it('a report of an unknown message answers 200 and waits', async () => {
    const before = await countRows(installation.db);
    expect((await postReport(api, report('delivered', unknownId))).statusCode).toBe(200);
    expect(await countRows(installation.db)).toEqual({
      ...before,
      delivery_events: (before['delivery_events'] ?? 0) + 1,
    });
    expect(await applyParkedEvents(installation.db, 100)).toBe(0);
  });

  it('a report known only by a provider id is applied once that id is recorded', async () => {
    const registered = await register(api);
    const claimed = await claim(installation.db, (await newestMessage(installation.db)).id);
    await beginAttempt(installation.db, api.config, claimed);
    const providerId = 'assigned-by-the-provider@mx.example.net';
    await postReport(
      api,
      report('delivered', '', {
        'user-variables': {},
        message: { headers: { 'message-id': `<${providerId}>` } },
      }),
    );
    expect(await statusOf(claimed.id)).toBe('sending');
    await record(installation.db, claimed, {
      status: 'sent',
      result: 'accepted',
      providerMessageId: providerId,
    });
    expect(await applyParkedEvents(installation.db, 100)).toBe(1);
    expect(await statusOf(claimed.id)).toBe('delivered');
    expect(await tenantOf(api, registered)).toMatchObject({ verificationEmailStatus: 'DELIVERED' });
  });

  it('stores of a report neither address nor token', async () => {
    const { messageId } = await registerAndMail();
    const event = report('failed', messageId, {
      severity: 'permanent',
      recipient: 'canary@example.org',
      'delivery-status': {
        code: 550,
        message: `<canary@example.org> unknown, see https://x.example/?token=${'e'.repeat(64)}`,
      },
    });
    await postReport(api, event);
    const rows = await installation.db
      .selectFrom('delivery_events')
      .selectAll()
      .where('message_id', '=', messageId)
      .execute();
    expect(JSON.stringify(rows)).toContain('550');
    expect(JSON.stringify(rows)).not.toMatch(/canary|eeeeeeee/);
  });
});
