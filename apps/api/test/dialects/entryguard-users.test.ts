import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminKey } from '../support/installation.ts';
import { newEmail, register } from '../support/requests.ts';
import { allMessages, countRows, newestMessage } from '../support/rows.ts';
import { keyOfServer, signedAddress } from '../support/signed-address.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import {
  administer,
  expectRefusal,
  inviteOne,
  newMember,
  type UserAnswer,
  users,
} from './support/entryguard.ts';
import { withoutColumn } from './support/take-away.ts';

const unknownId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';

let scene: DialectScene;
let admin: ReturnType<typeof administer>;
beforeAll(async () => {
  scene = await openDialect('entryguard');
  admin = administer(scene);
});
afterAll(() => scene.close());

describe('POST /api/v1/users', () => {
  it('201 with the user as tabled; the invitation is written in the same commit', async () => {
    const email = newEmail();
    const answer = await admin.create({ email, name: 'Jane Smith', isOrgAdmin: false });
    expect([answer.statusCode, answer.json()]).toEqual([
      201,
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        email,
        name: 'Jane Smith',
        isOrgAdmin: false,
        platformRole: 'CUSTOMER',
        isActive: true,
        mfaEnabled: false,
        lastLoginAt: null,
        roleNames: [],
        createdAt: expect.any(String) as string,
        updatedAt: expect.any(String) as string,
        status: 'PENDING',
      },
    ]);
    expect(await newestMessage(scene.installation.db)).toMatchObject({
      purpose: 'invitation',
      contract: 'entryguard',
      redirect_url: 'https://verify.example.com/v1/set-password',
    });
  });

  it('writes neither user nor invitation when one of them cannot be written', async () => {
    const email = newEmail();
    const before = await countRows(scene.installation.db);
    const answer = await withoutColumn(scene.installation.db, 'messages.redirect_url', () =>
      admin.create({ email }),
    );
    expectRefusal(answer, 500, 'SERVICE_UNAVAILABLE');
    expect(await countRows(scene.installation.db)).toEqual(before);
    expect((await admin.create({ email })).statusCode).toBe(201);
  });

  it('name and isOrgAdmin may be left out or null, and what is not known is ignored', async () => {
    const answer = await admin.create({ name: null, isOrgAdmin: null, roleNames: ['x'], plan: { a: [1] } });
    expect(answer.json()).toMatchObject({ name: null, isOrgAdmin: false });
    expect((await admin.create({ isOrgAdmin: true })).json()).toMatchObject({ isOrgAdmin: true });
  });

  it.each([
    ['email', {}],
    ['email', { email: 'no-at-sign' }],
    ['email', { email: 'a@example.org, b@example.org' }],
    ['email', { email: 'a@example.org\r\nBcc: b@example.org' }],
    ['email', { email: ['a@example.org'] }],
    ['email', { email: 7 }],
    ['name', { email: 'named@example.org', name: 'two\nlines' }],
    ['name', { email: 'named@example.org', name: 'x'.repeat(101) }],
    ['name', { email: 'named@example.org', name: '\u0000' }],
    ['isOrgAdmin', { email: 'named@example.org', isOrgAdmin: 'yes' }],
    ['locale', { email: 'named@example.org', locale: 'klingon!' }],
  ])('400 with validationErrors for %s of %j', async (field, body) => {
    const before = await countRows(scene.installation.db);
    const answer = await scene.call({ method: 'POST', path: users, token: adminKey, body });
    expect(Object.keys(expectRefusal(answer, 400, 'VALIDATION_FAILED'))).toEqual([field]);
    expect(await countRows(scene.installation.db)).toEqual(before);
  });

  it.each([
    ['malformed JSON', 400, 'VALIDATION_FAILED', '{"email":', 'application/json'],
    ['an array', 400, 'VALIDATION_FAILED', '[]', 'application/json'],
    ['null', 400, 'VALIDATION_FAILED', 'null', 'application/json'],
    [
      'a megabyte',
      413,
      'PAYLOAD_TOO_LARGE',
      JSON.stringify({ email: 'a'.repeat(1 << 20) }),
      'application/json',
    ],
    ['a form', 415, 'UNSUPPORTED_MEDIA_TYPE', 'email=a%40example.org', 'application/x-www-form-urlencoded'],
  ])('%s is a %i', async (_what, status, code, payload, type) => {
    const answer = await scene.call({
      method: 'POST',
      path: users,
      token: adminKey,
      headers: { 'content-type': type },
      body: payload,
    });
    expectRefusal(answer, status, code);
  });

  it('400 for a duplicate email, in whatever spelling and by whatever contract it came', async () => {
    const { email } = await register(scene.api);
    for (const spelling of [email, email.toUpperCase()]) {
      const errors = expectRefusal(
        await admin.create({ email: spelling }),
        400,
        'EMAIL_ALREADY_IN_USE',
        'A user with this email already exists',
      );
      expect(errors).toEqual({ email: 'is already in use' });
    }
  });

  it('400 when the seats are taken, however many come at once', async () => {
    const scene2 = await openDialect('entryguard', { ENTRYGUARD_USER_SEATS: '3' });
    const crowd = administer(scene2);
    const answers = await Promise.all(Array.from({ length: 8 }, () => crowd.create()));
    expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(3);
    for (const answer of answers.filter(({ statusCode }) => statusCode !== 201))
      expectRefusal(answer, 400, 'USER_LIMIT_REACHED', 'The organization has reached its user limit');
    expect(await allMessages(scene2.installation.db)).toHaveLength(3);
    const [made] = answers.filter(({ statusCode }) => statusCode === 201);
    const email = newEmail();
    for (let count = 0; count < 5; count += 1)
      expectRefusal(await crowd.create({ email }), 400, 'USER_LIMIT_REACHED');
    await crowd.remove(made?.json<UserAnswer>().id ?? '');
    expect((await crowd.create({ email })).statusCode).toBe(201);
    await scene2.close();
  });

  it('of 10 with one address at once makes one user', async () => {
    const email = newEmail();
    const answers = await Promise.all(Array.from({ length: 10 }, () => admin.create({ email })));
    expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(1);
  });
});

describe('GET /api/v1/users and /api/v1/users/{id}', () => {
  it('200: an array in the order in which they came, paged by Link where it is long', async () => {
    const made = [await inviteOne(scene), await inviteOne(scene), await inviteOne(scene)];
    const all = (await admin.list()).json<UserAnswer[]>();
    expect(all.slice(-3).map(({ id }) => id)).toEqual(made.map(({ id }) => id));
    const seen: string[] = [];
    let query: string | undefined = '?limit=2';
    while (query !== undefined) {
      const page = await admin.list(query);
      seen.push(...page.json<UserAnswer[]>().map(({ id }) => id));
      query = /\?[^>]+/.exec(String(page.headers.link ?? ''))?.[0];
    }
    expect(seen).toEqual(all.map(({ id }) => id));
  });

  it('200: the same object, for checking the address', async () => {
    const made = (await admin.create({ name: 'Ana' })).json<UserAnswer>();
    expect((await admin.read(made.id)).json()).toEqual(made);
  });

  it('404 with the id in the sentence; what is no id is not repeated', async () => {
    expectRefusal(await admin.read(unknownId), 404, 'USER_NOT_FOUND', `User not found with id: ${unknownId}`);
    for (const id of ['me', '%00', 'a'.repeat(90), encodeURIComponent("'; --")])
      expectRefusal(await admin.read(id), 404, 'USER_NOT_FOUND', 'User not found');
  });

  it('404 for a user of another organization', async () => {
    const { id } = (await admin.create()).json<UserAnswer>();
    const organization = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d99';
    await scene.installation.db
      .insertInto('organizations')
      .values({ id: organization, name: 'Other', slug: 'other' })
      .execute();
    await scene.installation.db
      .updateTable('accounts')
      .set({ organization_id: organization })
      .where('id', '=', id)
      .execute();
    expectRefusal(await admin.read(id), 404, 'USER_NOT_FOUND');
    expectRefusal(await admin.change(id, { name: 'Mine' }), 404, 'USER_NOT_FOUND');
    expectRefusal(await admin.remove(id), 404, 'USER_NOT_FOUND');
    expectRefusal(await admin.resend(id), 404, 'USER_NOT_FOUND');
  });
});

describe('a server that names the administrator for whom it asks', () => {
  it('400 CLIENT_ADDRESS_INVALID and CLIENT_ADDRESS_STALE where the signature does not hold', async () => {
    const api = await scene.startApi({ CLIENT_ADDRESS_KEYS: keyOfServer });
    const ask = (headers: Record<string, string>) =>
      scene.call({ method: 'GET', path: users, token: adminKey, headers }, api);
    expectRefusal(
      await ask(signedAddress('203.0.113.7', { key: 'x'.repeat(32) })),
      400,
      'CLIENT_ADDRESS_INVALID',
    );
    expectRefusal(await ask(signedAddress('203.0.113.7', { secondsAgo: 3600 })), 400, 'CLIENT_ADDRESS_STALE');
    expect((await ask(signedAddress('203.0.113.7'))).statusCode).toBe(200);
  });
});

describe('PATCH /api/v1/users/{id}', () => {
  it('200: name, isOrgAdmin and isActive, each by itself', async () => {
    const { id } = (await admin.create({ name: 'Before' })).json<UserAnswer>();
    expect((await admin.change(id, {})).json()).toMatchObject({ name: 'Before', isActive: true });
    expect((await admin.change(id, { name: 'After' })).json()).toMatchObject({ name: 'After' });
    expect((await admin.change(id, { isOrgAdmin: true })).json()).toMatchObject({ isOrgAdmin: true });
    expect((await admin.change(id, { isActive: false })).json()).toMatchObject({
      isActive: false,
      status: 'PENDING',
    });
    expect((await admin.change(id, { isActive: true })).json()).toMatchObject({
      name: 'After',
      isActive: true,
      status: 'PENDING',
    });
  });

  it('a deactivated member is signed out at once, and let in again when activated', async () => {
    const boss = await newMember(scene, { isOrgAdmin: true });
    await newMember(scene, { isOrgAdmin: true });
    await admin.change(boss.id, { isActive: false });
    expectRefusal(await administer(scene, boss.accessToken).list(), 401, 'CREDENTIALS_INVALID');
    expect((await admin.change(boss.id, { isActive: true })).json()).toMatchObject({ status: 'ACTIVE' });
    expect((await administer(scene, boss.accessToken).list()).statusCode).toBe(200);
  });

  it('404 for an unknown id, 400 for a wrong type', async () => {
    expectRefusal(await admin.change(unknownId, { name: 'x' }), 404, 'USER_NOT_FOUND');
    const { id } = (await admin.create()).json<UserAnswer>();
    expectRefusal(await admin.change(id, { isActive: 'no' }), 400, 'VALIDATION_FAILED');
  });
});

describe('DELETE /api/v1/users/{id}', () => {
  it('204 and empty; the sessions end and the address can be used again at once', async () => {
    const member = await newMember(scene);
    const gone = await admin.remove(member.id);
    expect([gone.statusCode, gone.body]).toEqual([204, '']);
    expectRefusal(await administer(scene, member.accessToken).list(), 401, 'CREDENTIALS_INVALID');
    expectRefusal(await admin.remove(member.id), 404, 'USER_NOT_FOUND');
    const again = await admin.create({ email: member.email });
    expect(again.statusCode).toBe(201);
    expect(again.json<UserAnswer>().id).not.toBe(member.id);
  });
});
