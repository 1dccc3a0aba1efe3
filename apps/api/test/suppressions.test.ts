import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { confirmToken } from '@reconfirm/db/verifications';
import { hashToken } from '@reconfirm/core/token';
import { claim, handOver, handOverNewest, record } from './support/hand-over.ts';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { postReport, report } from './support/mailgun.ts';
import { expectProblem } from './support/problems.ts';
import {
  type Answer,
  get,
  getAsAdmin,
  newClient,
  newEmail,
  post,
  register,
  type Registered,
  resend,
  tenantOf,
} from './support/requests.ts';
import { newestMessage } from './support/rows.ts';

interface Listed {
  readonly id: string;
  readonly addressLabel: string;
  readonly reason: string;
  readonly inForce: boolean;
}

let installation: Installation;
let api: TestApi;
beforeAll(async () => {
  installation = await openInstallation();
  api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off', RATE_LIMIT_IP: 'off' });
});
afterAll(() => installation.close());

const path = '/v1/admin/suppressions';
const headers = { authorization: `Bearer ${adminKey}` };
const word = { by: 'Ana of support', why: 'ticket 7: the mailbox was mended' };

const of = async (email: string, more = ''): Promise<Listed | undefined> => {
  const answer = await getAsAdmin(api, `${path}?address=${encodeURIComponent(email)}${more}`);
  expect(answer.statusCode).toBe(200);
  return answer.json<{ suppressions: Listed[] }>().suppressions[0];
};
const add = (body: object): Promise<Answer> => post(api, path, body, { headers });
const lift = (id: string, body: object = word): Promise<Answer> =>
  api.app.inject({
    method: 'DELETE',
    url: `${path}/${id}`,
    headers,
    payload: body,
    remoteAddress: newClient(),
  });

/** Registers, mails, and has it come back; resolves with who it was. */
const registerAnd = async (event: 'failed' | 'complained'): Promise<Registered & { messageId: string }> => {
  const registered = await register(api);
  const { messageId } = await handOverNewest(installation.db, api.config);
  const more = event === 'failed' ? { severity: 'permanent', reason: 'bounce' } : {};
  expect((await postReport(api, report(event, messageId, more))).statusCode).toBe(200);
  return { ...registered, messageId };
};

describe('R29.2: an operator', () => {
  it('finds a bounced address by itself and in the list, sees why, and lifts it, on record', async () => {
    const { email, messageId } = await registerAnd('failed');
    const found = await of(email);
    expect(found).toMatchObject({
      channel: 'email',
      reason: 'hard_bounce',
      messageId,
      inForce: true,
      liftedAt: null,
      addressLabel: expect.stringMatching(/^h:[0-9a-f]{8}$/) as string,
    });
    const id = found?.id ?? '';
    const answer = await lift(id);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      suppression: { id, inForce: false, liftedBy: 'operator' },
      providerList: 'not_asked',
    });
    expect(await of(email)).toBeUndefined();
    expect(await of(email, '&state=all')).toMatchObject({ id, inForce: false });
    const history = (await getAsAdmin(api, `${path}/${id}`)).json<{ changes: object[] }>();
    expect(history.changes).toMatchObject([
      { change: 'suppressed', by: 'report', messageId },
      { change: 'lifted', by: 'operator', who: word.by, why: word.why },
    ]);
    expect(api.logged()).not.toContain(email);
  });

  it('lifts what is over already without a second entry', async () => {
    const { email } = await registerAnd('complained');
    const id = (await of(email))?.id ?? '';
    expect((await lift(id)).statusCode).toBe(200);
    expect((await lift(id)).json()).toMatchObject({ suppression: { inForce: false } });
    const { changes } = (await getAsAdmin(api, `${path}/${id}`)).json<{ changes: object[] }>();
    expect(changes).toHaveLength(2);
  });

  it.each([['nobody@example.net'], ['+4520123456']])(
    'adds %s, which may have no account, for a time or for good',
    async (address) => {
      const answer = await add({ address, days: 2, ...word });
      expect(answer.json()).toMatchObject({
        suppression: {
          channel: address.includes('@') ? 'email' : 'sms',
          reason: 'operator',
          until: expect.any(String) as string,
        },
      });
      expect((await add({ address, ...word })).json()).toMatchObject({ suppression: { until: null } });
      expect(await of(address)).toMatchObject({ reason: 'operator', inForce: true });
    },
  );

  it('writes no address into the record, whatever the reason says', async () => {
    const email = newEmail();
    await add({ address: email, by: 'ana@support.example', why: `${email} asked us by phone` });
    const id = (await of(email))?.id ?? '';
    const history = await getAsAdmin(api, `${path}/${id}`);
    expect(history.json()).toMatchObject({
      changes: [{ who: '[address]', why: '[address] asked us by phone' }],
    });
  });

  it('reads the list by pages', async () => {
    for (let count = 0; count < 3; count += 1) await add({ address: newEmail(), ...word });
    const first = (await getAsAdmin(api, `${path}?limit=2`)).json<{
      suppressions: Listed[];
      nextCursor: string;
    }>();
    expect(first.suppressions).toHaveLength(2);
    const next = await getAsAdmin(api, `${path}?limit=2&cursor=${first.nextCursor}`);
    const ids = [...first.suppressions, ...next.json<{ suppressions: Listed[] }>().suppressions];
    expect(new Set(ids.map(({ id }) => id)).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(2);
  });

  it('must say who and why, and what exists', async () => {
    const { email } = await registerAnd('failed');
    const id = (await of(email))?.id ?? '';
    for (const body of [{}, { by: 'Ana' }, { why: 'mended' }, { by: '', why: '' }, { ...word, more: 1 }])
      expectProblem(await lift(id, body), { status: 400, reason: 'VALIDATION_FAILED' });
    expectProblem(await add({ ...word, address: 'nothing' }), { status: 400, reason: 'VALIDATION_FAILED' });
    expectProblem(await lift('999999999'), { status: 404, reason: 'NOT_FOUND' });
    expectProblem(await getAsAdmin(api, `${path}/999999999`), { status: 404, reason: 'NOT_FOUND' });
    expectProblem(await getAsAdmin(api, `${path}/x`), { status: 400, reason: 'VALIDATION_FAILED' });
    expect(await of(email)).toMatchObject({ inForce: true });
  });

  it('is the only one who may', async () => {
    const { apiKey, email } = await registerAnd('failed');
    const id = (await of(email))?.id ?? '';
    for (const authorization of ['', `Bearer ${apiKey}`, 'Bearer wrong']) {
      const as = { headers: { authorization } };
      const answers = [
        await get(api, path, as),
        await get(api, `${path}/${id}`, as),
        await post(api, path, { address: email, ...word }, as),
        await api.app.inject({ method: 'DELETE', url: `${path}/${id}`, payload: word, ...as }),
      ];
      for (const answer of answers) expectProblem(answer, { status: 401, reason: 'UNAUTHORIZED' });
    }
    expect(await of(email)).toMatchObject({ inForce: true });
  });
});

describe('who is told', () => {
  it('R28.4: the owner of the account, by its key, and no other tenant', async () => {
    const stranger = await register(api);
    const owner = await registerAnd('complained');
    expect(await tenantOf(api, owner)).toMatchObject({
      suppressed: [
        { channel: 'email', reason: 'complaint', since: expect.any(String) as string, until: null },
      ],
    });
    expect(await tenantOf(api, stranger)).toMatchObject({ suppressed: [] });
    await lift((await of(owner.email))?.id ?? '');
    expect(await tenantOf(api, owner)).toMatchObject({ suppressed: [] });
  });

  it('the host application, once, when it begins and when it is lifted', async () => {
    const { email, tenantId } = await registerAnd('failed');
    await lift((await of(email))?.id ?? '');
    const told = await installation.db
      .selectFrom('outgoing_events')
      .select(['type', 'channel', 'reason', 'method'])
      .where('account_id', '=', tenantId)
      .where('type', 'in', ['contact.suppressed', 'contact.suppression_lifted'])
      .orderBy('position')
      .execute();
    expect(told).toEqual([
      { type: 'contact.suppressed', channel: 'email', reason: 'hard_bounce', method: 'report' },
      { type: 'contact.suppression_lifted', channel: 'email', reason: 'hard_bounce', method: 'operator' },
    ]);
  });

  it('the operator, in the history of the message that began it and of the one that was not sent', async () => {
    const { email, messageId } = await registerAnd('failed');
    const id = (await of(email))?.id ?? '';
    await resend(api, email);
    const skipped = await claim(installation.db, (await newestMessage(installation.db)).id);
    expect(skipped.isSuppressed).toBe(true);
    await record(installation.db, skipped, { status: 'skipped', reason: 'suppressed' });
    for (const message of [messageId, skipped.id]) {
      const answer = await getAsAdmin(api, `/v1/admin/messages/${message}`);
      const { summary, timeline } = answer.json<{ summary: string; timeline: { what: string }[] }>();
      expect(summary).toContain(`DELETE ${path}/${id}`);
      expect(timeline.filter(({ what }) => what.startsWith('From here on nothing is sent'))).toHaveLength(1);
    }
  });
});

it('a person who proves the address by an earlier link is mailed again', async () => {
  const { email } = await register(api);
  const { messageId, token } = await handOverNewest(installation.db, api.config);
  await postReport(api, report('failed', messageId, { severity: 'permanent', reason: 'bounce' }));
  expect(await of(email)).toMatchObject({ inForce: true });
  await confirmToken(installation.db, { by: 'link', tokenHash: hashToken(token) }, ['signup']);
  expect(await of(email)).toBeUndefined();
  expect(await of(email, '&state=all')).toMatchObject({ liftedBy: 'proof' });
});

it('SUPPRESS_HARD_BOUNCE_DAYS counts for reports: 0 suppresses no bounce, and complaints all the same', async () => {
  const off = await installation.startApi({ RATE_LIMIT_IP: 'off', SUPPRESS_HARD_BOUNCE_DAYS: '0' });
  const { email } = await register(off);
  const { messageId } = await handOver(
    installation.db,
    off.config,
    (await newestMessage(installation.db)).id,
  );
  await postReport(off, report('failed', messageId, { severity: 'permanent', reason: 'bounce' }));
  expect(await of(email)).toBeUndefined();
  await postReport(off, report('complained', messageId));
  expect(await of(email)).toMatchObject({ reason: 'complaint' });
});
