import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from '../support/hand-over.ts';
import { adminKey } from '../support/installation.ts';
import { postReport, report } from '../support/mailgun.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import {
  administer,
  expectRefusal,
  inviteOne,
  newMember,
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

const expire = (id: string): Promise<unknown> =>
  scene.installation.db
    .updateTable('verifications')
    .set({ expires_at: new Date(Date.now() - 1000) })
    .where('account_id', '=', id)
    .execute();

describe('GET /api/v1/invitations', () => {
  interface Listed {
    readonly id: string;
    readonly email: string;
    readonly state: string;
    readonly invitation: Readonly<Record<string, unknown>>;
  }
  const listPath = '/api/v1/invitations';
  const list = (query = '', token: string = adminKey) =>
    scene.call({ method: 'GET', path: listPath, url: `${listPath}${query}`, token });
  const listed = async (query = ''): Promise<readonly Listed[]> => (await list(query)).json<Listed[]>();

  it('shows of each invitation its state, last send and inviter, and never a link', async () => {
    const { db } = scene.installation;
    const key = await newOrganizationKey(scene, ['accounts:write']);
    const pending = (await administer(scene, key).create()).json<UserAnswer>();
    const delivered = (await admin.create()).json<UserAnswer>();
    const { messageId, token } = await handOverNewest(db, scene.api.config);
    await postReport(scene.api, report('delivered', messageId));
    const revoked = await inviteOne(scene);
    await admin.revoke(revoked.id);
    const expired = await inviteOne(scene);
    await expire(expired.id);
    const member = await newMember(scene);

    const answer = await list();
    expect(answer.body).not.toContain(token);
    const byId = new Map(answer.json<Listed[]>().map((one) => [one.id, one]));
    expect([pending, delivered, revoked, expired, member].map(({ id }) => byId.get(id)?.state)).toEqual([
      'PENDING',
      'DELIVERED',
      'REVOKED',
      'EXPIRED',
      'ACCEPTED',
    ]);
    expect(byId.get(pending.id)).toMatchObject({
      email: pending.email,
      invitation: { sentAt: null, invitedBy: expect.stringMatching(/^key:/) as string, generation: 1 },
    });
    expect(byId.get(delivered.id)?.invitation).toMatchObject({
      status: 'PENDING',
      deliveryStatus: 'DELIVERED',
      sentAt: expect.any(String) as string,
      invitedBy: 'operator',
    });
    expect((await listed('?state=DELIVERED')).map(({ id }) => id)).toContain(delivered.id);
    const dead = await listed('?state=REVOKED,EXPIRED');
    expect(new Set(dead.map(({ state }) => state))).toEqual(new Set(['REVOKED', 'EXPIRED']));
  });

  it('is read page by page along the Link header, of one state or of all', async () => {
    for (let i = 0; i < 3; i += 1) await admin.create();
    for (const query of ['', '&state=PENDING,DELIVERED,EXPIRED,ACCEPTED,REVOKED,BOUNCED']) {
      const seen: string[] = [];
      let next: string | undefined = `?limit=2${query}`;
      while (next !== undefined) {
        const answer = await list(next);
        seen.push(...answer.json<Listed[]>().map(({ id }) => id));
        next = /^<\/api\/v1\/invitations(\?[^>]+)>; rel="next"$/.exec(
          String(answer.headers['link'] ?? ''),
        )?.[1];
      }
      expect(seen).toEqual((await listed()).map(({ id }) => id));
    }
  });

  it('is for whoever may read the accounts, and refuses a state that there is none of', async () => {
    expect((await list('', await newOrganizationKey(scene, ['accounts:read']))).statusCode).toBe(200);
    expectRefusal(await list('', await newOrganizationKey(scene, ['messages:read'])), 403, 'ACCESS_DENIED');
    expectRefusal(await list('', 'nobody'), 401, 'CREDENTIALS_INVALID');
    expectRefusal(await list('?state=LOST'), 400, 'VALIDATION_FAILED');
    const member = await newMember(scene);
    expectRefusal(await list('', member.accessToken), 403, 'ACCESS_DENIED');
  });
});
