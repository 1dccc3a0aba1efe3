import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beginAttempt, claim, handOverNewest, record } from '../support/hand-over.ts';
import { retryAfterSeconds } from '../support/rate-limit-header.ts';
import { newEmail, register, resend as resendByV1 } from '../support/requests.ts';
import { newestMessage } from '../support/rows.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import {
  accept,
  administer,
  expectRefusal,
  inviteOne,
  newOrganizationKey,
  type UserAnswer,
} from './support/entryguard.ts';

let scene: DialectScene;
let admin: ReturnType<typeof administer>;
beforeAll(async () => {
  scene = await openDialect('entryguard');
  admin = administer(scene);
});
afterAll(() => scene.close());

describe('whom invitations count against', () => {
  it('deleting and creating again is held back by the limit of the address, and a refusal kills nothing', async () => {
    const email = newEmail();
    let last = await inviteOne(scene, { email });
    for (let count = 0; count < 2; count += 1) {
      expect((await admin.remove(last.id)).statusCode).toBe(204);
      last = await inviteOne(scene, { email });
    }
    await admin.remove(last.id);
    const answer = await admin.create({ email });
    expectRefusal(answer, 429, 'TOO_MANY_INVITATIONS');
    retryAfterSeconds(answer);
    expect((await admin.create()).statusCode).toBe(201);
  });

  it('not against the cooldown that the invited person has for other mails, nor the other way round', async () => {
    const { email } = await inviteOne(scene);
    expect((await resendByV1(scene.api, email)).statusCode).toBe(200);
    expect((await resendByV1(scene.api, email)).statusCode).toBe(429);
    const other = await register(scene.api);
    expect((await admin.resend(other.tenantId)).statusCode).toBe(202);
  });

  it('against the inviter: one who has used up the limit holds back no other', async () => {
    const api = await scene.startApi({ ENTRYGUARD_RATE_LIMIT_INVITER: '2/3600' });
    const [first, second] = [
      await newOrganizationKey(scene, ['accounts:write']),
      await newOrganizationKey(scene, ['accounts:write']),
    ];
    const create = (token: string) => administer(scene, token).create({}, api);
    const statuses = [await create(first), await create(first), await create(first), await create(second)];
    expect(statuses.map(({ statusCode }) => statusCode)).toEqual([201, 201, 429, 201]);
  });

  it('against the organization, by its rows even when the limiter has forgotten', async () => {
    const crowd = await openDialect('entryguard', { ENTRYGUARD_RATE_LIMIT_ORGANIZATION: '3/3600' });
    for (let count = 0; count < 3; count += 1)
      expect((await administer(crowd).create()).statusCode).toBe(201);
    await crowd.installation.db.deleteFrom('limit_charges').execute();
    const api = await crowd.startApi({
      REDIS_PREFIX: 'another',
      ENTRYGUARD_RATE_LIMIT_ORGANIZATION: '3/3600',
    });
    expectRefusal(await administer(crowd).create({}, api), 429, 'TOO_MANY_INVITATIONS');
    await crowd.close();
  });

  it('a duplicate costs nothing', async () => {
    const email = newEmail();
    await inviteOne(scene, { email });
    for (let count = 0; count < 5; count += 1)
      expectRefusal(await admin.create({ email }), 400, 'EMAIL_ALREADY_IN_USE');
    const { id } = (await admin.list()).json<UserAnswer[]>().at(-1) ?? { id: '' };
    expect((await admin.resend(id)).statusCode).toBe(202);
  });
});

describe('deleting a user', () => {
  it('leaves no word of a hand-over that failed meanwhile', async () => {
    const { db } = scene.installation;
    const { id } = (await admin.create()).json<UserAnswer>();
    const claimed = await claim(db, (await newestMessage(db)).id);
    await beginAttempt(db, scene.api.config, claimed);
    await admin.remove(id);
    await record(db, claimed, { status: 'bounced', reason: 'recipient_refused', result: 'permanent' });
    expect(await newestMessage(db)).toMatchObject({ status: 'skipped', reason: 'account_deleted' });
  });

  it('kills the token, and the message that waits', async () => {
    const sent = await inviteOne(scene);
    await admin.remove(sent.id);
    expectRefusal(await accept(scene, sent.token), 400, 'INVITE_TOKEN_INVALID');
    const waiting = (await admin.create()).json<UserAnswer>();
    await admin.remove(waiting.id);
    expect(await newestMessage(scene.installation.db)).toMatchObject({
      status: 'skipped',
      reason: 'account_deleted',
    });
  });

  it('takes a message out of the hands of a worker that has not begun, and leaves a new one alone', async () => {
    const { db } = scene.installation;
    const { id, email } = (await admin.create()).json<UserAnswer>();
    const claimed = await claim(db, (await newestMessage(db)).id);
    await admin.remove(id);
    await expect(beginAttempt(db, scene.api.config, claimed)).rejects.toThrow('could not begin');
    expect((await admin.create({ email })).statusCode).toBe(201);
    const { token } = await handOverNewest(db, scene.api.config);
    expect((await accept(scene, token)).json()).toMatchObject({ user: { email } });
  });

  it('while its mail is handed over leaves a record that it was sent, and a link that is dead', async () => {
    const { db } = scene.installation;
    const { id } = (await admin.create()).json<UserAnswer>();
    const claimed = await claim(db, (await newestMessage(db)).id);
    const { token } = await beginAttempt(db, scene.api.config, claimed);
    await admin.remove(id);
    await record(db, claimed, { status: 'sent', result: 'accepted' });
    expect((await newestMessage(db)).status).toBe('sent');
    expectRefusal(await accept(scene, token), 400, 'INVITE_TOKEN_INVALID');
  });
});
