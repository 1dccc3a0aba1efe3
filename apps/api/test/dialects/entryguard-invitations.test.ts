import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beginAttempt, claim, handOver, handOverNewest, record } from '../support/hand-over.ts';
import { postReport, report } from '../support/mailgun.ts';
import { retryAfterSeconds } from '../support/rate-limit-header.ts';
import { post, register } from '../support/requests.ts';
import { newestMessage } from '../support/rows.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import {
  accept,
  administer,
  expectRefusal,
  inviteOne,
  newMember,
  newOrganizationKey,
  type UserAnswer,
} from './support/entryguard.ts';

const unknownId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';
const daySeconds = 86_400;

interface InvitationAnswer {
  readonly id: string;
  readonly email: string;
  readonly invitation: {
    readonly status: string;
    readonly generation: number;
    readonly expiresAt: string | null;
    readonly deliveryStatus: string | null;
    readonly nextResendAt: string;
    readonly invitedBy: string;
  };
}

let scene: DialectScene;
let admin: ReturnType<typeof administer>;
beforeAll(async () => {
  scene = await openDialect('entryguard');
  admin = administer(scene);
});
afterAll(() => scene.close());

const invitationOf = async (id: string): Promise<InvitationAnswer['invitation']> =>
  (await admin.invitation(id)).json<InvitationAnswer>().invitation;

const daysFromNow = (instant: string | null): number =>
  (Date.parse(instant ?? '') - Date.now()) / 1000 / daySeconds;

const expire = (id: string): Promise<unknown> =>
  scene.installation.db
    .updateTable('verifications')
    .set({ expires_at: new Date(Date.now() - 1000) })
    .where('account_id', '=', id)
    .execute();

describe('GET /api/v1/users/{id}/invitation', () => {
  it('tells state, generation, end, delivery and when another may be sent, as the mail goes its way', async () => {
    const { id, email } = (await admin.create()).json<UserAnswer>();
    const answer = await admin.invitation(id);
    expect(answer.json()).toMatchObject({ id, email });
    expect(await invitationOf(id)).toMatchObject({
      status: 'PENDING',
      generation: 1,
      expiresAt: null,
      deliveryStatus: null,
      invitedBy: 'operator',
    });
    const { messageId } = await handOverNewest(scene.installation.db, scene.api.config);
    const sent = await invitationOf(id);
    expect(sent).toMatchObject({ status: 'PENDING', deliveryStatus: 'SENT' });
    expect(daysFromNow(sent.expiresAt)).toBeCloseTo(7, 1);
    await postReport(scene.api, report('delivered', messageId));
    expect((await invitationOf(id)).deliveryStatus).toBe('DELIVERED');
    await postReport(scene.api, report('complained', messageId));
    expect((await invitationOf(id)).deliveryStatus).toBe('COMPLAINED');
  });

  it('tells FAILED, EXPIRED and ACCEPTED', async () => {
    const { db } = scene.installation;
    const bounced = (await admin.create()).json<UserAnswer>();
    const claimed = await claim(db, (await newestMessage(db)).id);
    await beginAttempt(db, scene.api.config, claimed);
    await record(db, claimed, { status: 'bounced', reason: 'recipient_refused', result: 'permanent' });
    expect((await invitationOf(bounced.id)).deliveryStatus).toBe('FAILED');
    const expired = await inviteOne(scene);
    await expire(expired.id);
    expect((await invitationOf(expired.id)).status).toBe('EXPIRED');
    const member = await newMember(scene);
    expect((await invitationOf(member.id)).status).toBe('ACCEPTED');
  });

  it('names who invited', async () => {
    const boss = await newMember(scene, { isOrgAdmin: true });
    const byBoss = (await administer(scene, boss.accessToken).create()).json<UserAnswer>();
    expect((await invitationOf(byBoss.id)).invitedBy).toBe(`account:${boss.id}`);
    const byKey = (
      await administer(scene, await newOrganizationKey(scene, ['accounts:write'])).create()
    ).json<UserAnswer>();
    expect((await invitationOf(byKey.id)).invitedBy).toMatch(/^key:[0-9a-f-]{36}$/);
  });

  it('404 for an unknown user, and for one who came without', async () => {
    expectRefusal(await admin.invitation(unknownId), 404, 'USER_NOT_FOUND');
    const { tenantId } = await register(scene.api);
    expectRefusal(await admin.invitation(tenantId), 404, 'INVITATION_NOT_FOUND');
  });
});

describe('POST /api/v1/users/{id}/invitation/resend', () => {
  it('202: the user keeps id and roles, the older link ends, the new one has a whole lifetime', async () => {
    const first = await inviteOne(scene, { isOrgAdmin: true });
    const answer = await admin.resend(first.id, { locale: 'es' });
    expect([answer.statusCode, answer.json()]).toMatchObject([
      202,
      { id: first.id, email: first.email, invitation: { status: 'PENDING', generation: 2, expiresAt: null } },
    ]);
    expect((await newestMessage(scene.installation.db)).locale).toBe('es');
    expectRefusal(await accept(scene, first.token), 400, 'INVITE_TOKEN_SUPERSEDED');
    const second = await handOverNewest(scene.installation.db, scene.api.config);
    expect(daysFromNow((await invitationOf(first.id)).expiresAt)).toBeCloseTo(7, 1);
    expect((await accept(scene, second.token)).json()).toMatchObject({
      user: { id: first.id, isOrgAdmin: true },
    });
  });

  it('202 without a body, and with an empty one that says it is JSON', async () => {
    const { id } = await inviteOne(scene);
    expect((await admin.resend(id)).statusCode).toBe(202);
    const answer = await scene.api.app.inject({
      method: 'POST',
      url: `/api/v1/users/${id}/invitation/resend`,
      headers: {
        authorization: `Bearer ${await newOrganizationKey(scene, ['accounts:write'])}`,
        'content-type': 'application/json',
      },
    });
    expect(answer.statusCode).toBe(202);
  });

  it('brings an expired invitation back', async () => {
    const { id, token } = await inviteOne(scene);
    await expire(id);
    expectRefusal(await accept(scene, token), 400, 'INVITE_TOKEN_EXPIRED');
    await admin.resend(id);
    const fresh = await handOverNewest(scene.installation.db, scene.api.config);
    expect((await accept(scene, fresh.token)).statusCode).toBe(200);
  });

  it('invites a user who registered by v1 and has not verified', async () => {
    const { tenantId } = await register(scene.api);
    expect((await admin.resend(tenantId)).json()).toMatchObject({ invitation: { generation: 1 } });
  });

  it('404 unknown, 409 already accepted, 409 deactivated', async () => {
    expectRefusal(await admin.resend(unknownId), 404, 'USER_NOT_FOUND');
    const member = await newMember(scene);
    // More often than the limit of the address allows: what is not sent costs nothing.
    for (let count = 0; count < 5; count += 1)
      expectRefusal(await admin.resend(member.id), 409, 'INVITATION_ALREADY_ACCEPTED');
    const { id } = await inviteOne(scene);
    await admin.change(id, { isActive: false });
    expectRefusal(await admin.resend(id), 409, 'USER_INACTIVE');
  });

  it('429 with Retry-After past the limit of the address; nextResendAt says the same', async () => {
    const { id } = await inviteOne(scene);
    for (let count = 0; count < 2; count += 1) expect((await admin.resend(id)).statusCode).toBe(202);
    const answer = await admin.resend(id);
    expectRefusal(answer, 429, 'TOO_MANY_INVITATIONS');
    const seconds = retryAfterSeconds(answer);
    expect(seconds).toBeGreaterThan(800);
    const { nextResendAt, generation } = await invitationOf(id);
    expect(Math.abs((Date.parse(nextResendAt) - Date.now()) / 1000 - seconds)).toBeLessThan(5);
    expect(generation).toBe(3);
  });
});

describe('extending', () => {
  it('POST extend: the expired link of the mail works again, for its whole lifetime, and no mail is sent', async () => {
    const { id, token } = await inviteOne(scene);
    await expire(id);
    const before = (await newestMessage(scene.installation.db)).id;
    const answer = await admin.extend(id);
    expect(answer.statusCode).toBe(200);
    const { status, generation, expiresAt } = answer.json<InvitationAnswer>().invitation;
    expect({ status, generation }).toEqual({ status: 'PENDING', generation: 1 });
    expect(daysFromNow(expiresAt)).toBeCloseTo(7, 1);
    expect((await newestMessage(scene.installation.db)).id).toBe(before);
    expect((await accept(scene, token)).statusCode).toBe(200);
  });

  it('PATCH {expiresAt} and POST extend {expiresAt}: until then', async () => {
    const { id } = await inviteOne(scene);
    const expiresAt = new Date(Date.now() + 20 * daySeconds * 1000).toISOString();
    expect((await admin.changeInvitation(id, { expiresAt })).json()).toMatchObject({
      invitation: { expiresAt },
    });
    const later = new Date(Date.now() + 29 * daySeconds * 1000).toISOString();
    expect((await admin.extend(id, { expiresAt: later })).json()).toMatchObject({
      invitation: { expiresAt: later },
    });
  });

  it.each(['2001-01-01T00:00:00Z', '2999-01-01T00:00:00Z', 'tomorrow', '2030-13-01T00:00:00Z', '2030-01-01'])(
    '400 for an end of %s',
    async (expiresAt) => {
      const { id } = await inviteOne(scene);
      const errors = expectRefusal(await admin.changeInvitation(id, { expiresAt }), 400, 'VALIDATION_FAILED');
      expect(Object.keys(errors)).toEqual(['expiresAt']);
    },
  );

  it('404 unknown, 404 without invitation, 409 accepted, 409 withdrawn, 409 not sent yet', async () => {
    expectRefusal(await admin.extend(unknownId), 404, 'USER_NOT_FOUND');
    const { tenantId } = await register(scene.api);
    expectRefusal(await admin.extend(tenantId), 404, 'INVITATION_NOT_FOUND');
    const member = await newMember(scene);
    expectRefusal(await admin.extend(member.id), 409, 'INVITATION_ALREADY_ACCEPTED');
    const waiting = (await admin.create()).json<UserAnswer>();
    expectRefusal(await admin.extend(waiting.id), 409, 'INVITATION_NOT_SENT');
    await admin.revoke(waiting.id);
    expectRefusal(await admin.extend(waiting.id), 409, 'INVITATION_REVOKED');
  });
});

describe('DELETE /api/v1/users/{id}/invitation', () => {
  it('204: the link is dead and says so, the user stays, and a resend brings it back', async () => {
    const { id, token } = await inviteOne(scene);
    const answer = await admin.revoke(id);
    expect([answer.statusCode, answer.body]).toEqual([204, '']);
    expectRefusal(await accept(scene, token), 400, 'INVITE_TOKEN_REVOKED');
    expect((await post(scene.api, '/v1/verify-email', { token })).statusCode).toBe(400);
    expect((await invitationOf(id)).status).toBe('REVOKED');
    expect((await admin.read(id)).json()).toMatchObject({ status: 'PENDING', isActive: true });
    expect((await admin.revoke(id)).statusCode).toBe(204);
    expect((await admin.resend(id)).json()).toMatchObject({
      invitation: { status: 'PENDING', generation: 2 },
    });
    const fresh = await handOverNewest(scene.installation.db, scene.api.config);
    expect((await accept(scene, fresh.token)).statusCode).toBe(200);
  });

  it('what waits is not sent, and the operator reads why', async () => {
    const { id } = (await admin.create()).json<UserAnswer>();
    await admin.revoke(id);
    const message = await newestMessage(scene.installation.db);
    expect(message).toMatchObject({ status: 'skipped', reason: 'revoked' });
    await expect(handOver(scene.installation.db, scene.api.config, message.id)).rejects.toThrow(
      'cannot be claimed',
    );
  });

  it('404 unknown and without invitation, 409 accepted', async () => {
    expectRefusal(await admin.revoke(unknownId), 404, 'USER_NOT_FOUND');
    const { tenantId } = await register(scene.api);
    expectRefusal(await admin.revoke(tenantId), 404, 'INVITATION_NOT_FOUND');
    expectRefusal(await admin.revoke((await newMember(scene)).id), 409, 'INVITATION_ALREADY_ACCEPTED');
  });
});
