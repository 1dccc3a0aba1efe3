import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MessageRecord } from '@reconfirm/db/records';
import { beginAttempt, claim, handOverNewest, record } from './support/hand-over.ts';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { postReport, report } from './support/mailgun.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { get, getAsAdmin, newEmail, register, resend } from './support/requests.ts';
import { allMessages, newestMessage } from './support/rows.ts';

interface Page {
  readonly messages: readonly {
    readonly id: string;
    readonly status: string;
    readonly email: string | null;
  }[];
  readonly nextCursor: string | null;
}

interface Story {
  readonly message: Record<string, unknown>;
  readonly summary: string;
  readonly timeline: readonly { readonly at: string; readonly what: string; readonly detail?: string }[];
}

describe('what an operator sees of messages', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
  });
  afterAll(() => installation.close());

  const list = async (query: string): Promise<Page> =>
    (await getAsAdmin(api, `/v1/admin/messages?${query}`)).json<Page>();
  const storyOf = async (id: string): Promise<Story> =>
    (await getAsAdmin(api, `/v1/admin/messages/${id}`)).json<Story>();
  const idsOf = (page: Page): string[] => page.messages.map((message) => message.id);

  it.each([
    '/v1/admin/messages',
    '/v1/admin/messages/0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01',
    '/v1/admin/messages/x',
  ])('%s is a 401 without the admin key and with another, before anything is looked at', async (path) => {
    const { apiKey } = await register(api);
    for (const authorization of [
      '',
      `Bearer ${adminKey}x`,
      `Bearer ${adminKey.slice(0, -1)}`,
      `Bearer ${apiKey}`,
    ])
      expectProblem(await get(api, path, { headers: { authorization } }), {
        status: 401,
        reason: 'UNAUTHORIZED',
      });
  });

  it('without ADMIN_KEY every admin route is a 401, an empty key included', async () => {
    const closed = await installation.startApi({ ADMIN_KEY: '' });
    for (const authorization of ['', 'Bearer ', `Bearer ${adminKey}`, 'Bearer undefined'])
      expectProblem(await get(closed, '/v1/admin/messages', { headers: { authorization } }), {
        status: 401,
        reason: 'UNAUTHORIZED',
      });
  });

  it('pages walk every message once, newest first', async () => {
    const email = newEmail();
    await register(api, { email });
    for (let count = 0; count < 6; count += 1) await resend(api, email);
    const seen: string[] = [];
    let cursor = '';
    for (;;) {
      const page = await list(`address=${encodeURIComponent(email)}&limit=3${cursor}`);
      seen.push(...idsOf(page));
      // A message that comes while somebody pages appears on no later page.
      await resend(api, email);
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    const accepted = (await allMessages(installation.db)).map((message) => message.id);
    expect(seen).toHaveLength(7);
    expect(seen).toEqual(seen.toSorted().toReversed());
    expect(accepted).toEqual(expect.arrayContaining(seen));
  });

  it('a last page that is exactly full has no next one', async () => {
    const email = newEmail();
    for (let count = 0; count < 4; count += 1) await resend(api, email);
    const first = await list(`address=${email}&limit=2`);
    expect(first.nextCursor).not.toBeNull();
    expect(await list(`address=${email}&limit=2&cursor=${first.nextCursor ?? ''}`)).toMatchObject({
      nextCursor: null,
    });
  });

  it('the address filter finds every spelling, unknown addresses included, and never another person', async () => {
    await resend(api, 'Alan.Turing@gmail.com');
    const [known] = (await list('address=alanturing%2Bx@googlemail.com')).messages;
    expect(known).toMatchObject({ id: (await newestMessage(installation.db)).id, email: null });
    expect((await list(`address=${newEmail()}`)).messages).toEqual([]);
  });

  it('the status filter takes one or several, the tenant filter one', async () => {
    const { tenantId } = await register(api);
    const { messageId } = await handOverNewest(installation.db, api.config);
    await resend(api, newEmail());
    const queued = (await newestMessage(installation.db)).id;
    expect(idsOf(await list('status=sent&limit=100'))).toContain(messageId);
    expect(idsOf(await list('status=sent&limit=100'))).not.toContain(queued);
    expect(idsOf(await list('status=sent,queued&limit=100'))).toEqual(
      expect.arrayContaining([messageId, queued]),
    );
    expect(idsOf(await list(`tenantId=${tenantId}`))).toEqual([messageId]);
  });

  it.each([
    ['status', 'status=lost'],
    ['limit', 'limit=0'],
    ['limit', 'limit=101'],
    ['cursor', 'cursor=next'],
    ['tenantId', 'tenantId=1'],
    ['email', 'address=nobody'],
    ['page', 'page=2'],
    ['status', 'status=sent&status=queued'],
  ])('a %s that is not as documented is a 400 that names it (%s)', async (field, query) => {
    const answer = await getAsAdmin(api, `/v1/admin/messages?${query}`);
    expect(fieldsOf(expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' }))).toEqual([field]);
  });

  it('an unknown message is a 404, an id that is none a 400', async () => {
    expectProblem(await getAsAdmin(api, '/v1/admin/messages/0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01'), {
      status: 404,
      reason: 'NOT_FOUND',
    });
    expectProblem(await getAsAdmin(api, '/v1/admin/messages/1'), {
      status: 400,
      reason: 'VALIDATION_FAILED',
    });
  });

  const endings: readonly (readonly [string, Partial<MessageRecord>, RegExp])[] = [
    [
      'superseded',
      { status: 'skipped', reason: 'superseded' },
      /newer request .* accepted before this one was sent/,
    ],
    ['unknown account', { status: 'skipped', reason: 'unknown_account' }, /No account is registered/],
    ['already verified', { status: 'skipped', reason: 'already_verified' }, /already proved its address/],
    ['suspended', { status: 'skipped', reason: 'suspended' }, /account is suspended/],
    ['mail off', { status: 'skipped', reason: 'email_off' }, /EMAIL_PROVIDER=none/],
    [
      'too late',
      { status: 'gave_up', reason: 'too_late' },
      /could not be handed over while it was still of use/,
    ],
    ['lost too often', { status: 'gave_up', reason: 'lost_too_often' }, /worker died/],
  ];

  it.each(endings)('tells why nothing was sent: %s', async (_what, outcome, sentence) => {
    await register(api);
    const claimed = await claim(installation.db, (await newestMessage(installation.db)).id);
    await record(installation.db, claimed, outcome);
    const story = await storyOf(claimed.id);
    expect(story.summary).toMatch(sentence);
    expect(story.message).toMatchObject({ status: outcome.status, reason: outcome.reason, nextAt: null });
    expect(story.timeline[0]?.what).toBe('The request was accepted.');
  });

  it('tells what became of a message that was tried, deferred, handed over, delivered and reported as spam', async () => {
    const { email } = await register(api);
    const first = await claim(installation.db, (await newestMessage(installation.db)).id);
    await beginAttempt(installation.db, api.config, first);
    await record(installation.db, first, {
      status: 'deferred',
      reason: 'greylisted',
      result: 'transient',
      code: 'greylisted',
      reply: `451 4.7.1 <${email}> try again later`,
      retryAfterSeconds: 0,
    });
    const second = await claim(installation.db, first.id);
    await beginAttempt(installation.db, api.config, second);
    await record(installation.db, second, { status: 'sent', result: 'accepted', reply: '250 queued' });
    await postReport(api, report('delivered', first.id));
    await postReport(api, report('complained', first.id));

    const answer = await getAsAdmin(api, `/v1/admin/messages/${first.id}`);
    const story = answer.json<Story>();
    expect(story.message).toMatchObject({
      status: 'complained',
      publicStatus: 'COMPLAINED',
      attempts: 2,
      email,
    });
    expect(story.summary).toContain('spam');
    const told = story.timeline.map((entry) => entry.what).join('\n');
    expect(told).toMatch(
      /Attempt 1 .*failed for now[^]*Attempt 2 .*took it[^]*receiving server took it[^]*spam/,
    );
    const times = story.timeline.map((entry) => entry.at);
    expect(times).toEqual(times.toSorted());
    expect(JSON.stringify(story.timeline)).not.toContain(email);
  });

  it('tells a waiting message when it is due again, and a dead link why', async () => {
    const { email } = await register(api);
    const waiting = (await newestMessage(installation.db)).id;
    expect((await storyOf(waiting)).summary).toMatch(/waiting to be sent/);
    await handOverNewest(installation.db, api.config);
    await resend(api, email);
    expect((await storyOf(waiting)).summary).toMatch(
      /link no longer works, because a newer message was asked for/,
    );
  });
});
