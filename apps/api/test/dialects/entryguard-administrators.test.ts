import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forge } from '../support/access-scene.ts';
import { adminKey } from '../support/installation.ts';
import { register } from '../support/requests.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import {
  administer,
  expectRefusal,
  inviteOne,
  newMember,
  newOrganizationKey,
  type UserAnswer,
  users,
} from './support/entryguard.ts';
import { withoutColumn } from './support/take-away.ts';

let scene: DialectScene;
let admin: ReturnType<typeof administer>;
beforeAll(async () => {
  scene = await openDialect('entryguard');
  admin = administer(scene);
});
afterAll(() => scene.close());

describe('who may administer', () => {
  it('401 without credentials and with wrong ones', async () => {
    expectRefusal(await scene.call({ method: 'GET', path: users }), 401, 'AUTHENTICATION_REQUIRED');
    const tenant = await register(scene.api);
    for (const token of ['x', `${adminKey}x`, tenant.apiKey])
      expectRefusal(await scene.call({ method: 'GET', path: users, token }), 401, 'CREDENTIALS_INVALID');
    const headers = { 'x-api-key': 'egk_nothing' };
    expectRefusal(await scene.call({ method: 'GET', path: users, headers }), 401, 'CREDENTIALS_INVALID');
  });

  it('401 CREDENTIALS_EXPIRED for an access token past its time', async () => {
    const member = await newMember(scene, { isOrgAdmin: true });
    const found = await scene.access.sessions.authenticate(member.accessToken);
    if (found.kind !== 'authenticated') throw new Error(found.kind);
    const past = Math.floor(Date.now() / 1000) - 3600;
    const token = await forge(scene.access, found.identity, { claims: { iat: past, exp: past + 900 } });
    expectRefusal(await scene.call({ method: 'GET', path: users, token }), 401, 'CREDENTIALS_EXPIRED');
  });

  it('403 for a member, 200 for an administrator, and 403 again once demoted', async () => {
    const member = await newMember(scene);
    const asMember = administer(scene, member.accessToken);
    expectRefusal(await asMember.list(), 403, 'ACCESS_DENIED');
    expectRefusal(await asMember.create(), 403, 'ACCESS_DENIED');
    await newMember(scene, { isOrgAdmin: true });
    const boss = await newMember(scene, { isOrgAdmin: true });
    const asBoss = administer(scene, boss.accessToken);
    expect((await asBoss.list()).statusCode).toBe(200);
    expect((await admin.change(boss.id, { isOrgAdmin: false })).statusCode).toBe(200);
    expectRefusal(await asBoss.list(), 403, 'ACCESS_DENIED');
  });

  it('a key needs accounts:write to change and accounts:read to look, in either header', async () => {
    const [writer, reader, other] = await Promise.all(
      [['accounts:write'], ['accounts:read'], ['events:read']].map((scopes) =>
        newOrganizationKey(scene, scopes),
      ),
    );
    expect((await administer(scene, writer).create()).statusCode).toBe(201);
    const byHeader = await scene.call({ method: 'GET', path: users, headers: { 'x-api-key': writer ?? '' } });
    expect(byHeader.statusCode).toBe(200);
    expect((await administer(scene, reader).list()).statusCode).toBe(200);
    expectRefusal(await administer(scene, reader).create(), 403, 'ACCESS_DENIED');
    expectRefusal(await administer(scene, other).list(), 403, 'ACCESS_DENIED');
  });

  it('500 when the store of sessions is away', async () => {
    const member = await newMember(scene);
    const answer = await withoutColumn(scene.installation.db, 'sessions.ended_at', () =>
      administer(scene, member.accessToken).list(),
    );
    expectRefusal(answer, 500, 'SERVICE_UNAVAILABLE');
  });

  it('an unknown path below /api/v1 is a 404 in the same form', async () => {
    const answer = await scene.api.app.inject({ method: 'GET', url: '/api/v1/nothing?token=x' });
    expectRefusal(answer, 404, 'NOT_FOUND');
  });
});

describe('the last administrator', () => {
  let alone: DialectScene;
  beforeAll(async () => {
    alone = await openDialect('entryguard');
  });
  afterAll(() => alone.close());

  it('400 with the documented sentences: cannot be demoted, deactivated or deleted', async () => {
    const boss = await newMember(alone, { isOrgAdmin: true });
    // Invited, but not there yet.
    await inviteOne(alone, { isOrgAdmin: true });
    const operator = administer(alone);
    expectRefusal(
      await operator.change(boss.id, { isOrgAdmin: false }),
      400,
      'LAST_ADMIN_DEMOTE',
      'Cannot demote the last organization admin',
    );
    expectRefusal(await operator.change(boss.id, { isActive: false }), 400, 'LAST_ADMIN_DEACTIVATE');
    expectRefusal(
      await operator.remove(boss.id),
      400,
      'LAST_ADMIN_DELETE',
      'Cannot delete the last organization admin',
    );
  });

  it('of two who delete each other at the same moment, one stays', async () => {
    const [first, second] = [
      await newMember(alone, { isOrgAdmin: true }),
      await newMember(alone, { isOrgAdmin: true }),
    ];
    const before = (await administer(alone).list()).json<UserAnswer[]>();
    for (const { id, isOrgAdmin, status } of before)
      if (isOrgAdmin && status === 'ACTIVE' && ![first.id, second.id].includes(id))
        await administer(alone).change(id, { isOrgAdmin: false });
    const answers = await Promise.all([
      administer(alone, first.accessToken).remove(second.id),
      administer(alone, second.accessToken).remove(first.id),
    ]);
    expect(answers.filter(({ statusCode }) => statusCode === 204)).toHaveLength(1);
    const left = (await administer(alone).list()).json<UserAnswer[]>();
    expect(left.filter(({ isOrgAdmin, status }) => isOrgAdmin && status === 'ACTIVE')).toHaveLength(1);
  });

  it('a mistyped invitation of the first administrator can be deleted and made anew', async () => {
    const fresh = await openDialect('entryguard');
    const invited = await inviteOne(fresh, { isOrgAdmin: true });
    expect((await administer(fresh).remove(invited.id)).statusCode).toBe(204);
    await fresh.close();
  });
});
