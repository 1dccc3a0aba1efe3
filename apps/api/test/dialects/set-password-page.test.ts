import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from '../support/hand-over.ts';
import { type Answer, get, post } from '../support/requests.ts';
import { countRows } from '../support/rows.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import { accept, administer, goodPassword, inviteOne } from './support/entryguard.ts';
import { withoutColumn } from './support/take-away.ts';

let scene: DialectScene;
beforeAll(async () => {
  scene = await openDialect('entryguard');
});
afterAll(() => scene.close());

const open = (token: string, language = 'en'): Promise<Answer> =>
  get(scene.api, `/v1/set-password?token=${encodeURIComponent(token)}`, {
    headers: { 'accept-language': language },
  });

const submit = (fields: { readonly token: string; readonly password?: string }): Promise<Answer> =>
  scene.api.app.inject({
    method: 'POST',
    url: '/v1/set-password',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept-language': 'en' },
    payload: new URLSearchParams({ ...fields }).toString(),
  });

const headingOf = (answer: Answer): string => /<h1>([\s\S]*?)<\/h1>/.exec(answer.body)?.[1] ?? '';

describe('the page that sets a password', () => {
  it('shows the form of a live invitation, in the language of the reader, and changes nothing', async () => {
    const { token, email } = await inviteOne(scene);
    const before = await countRows(scene.installation.db);
    for (let count = 0; count < 3; count += 1) {
      const answer = await open(token);
      expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
      expect(answer.body).toContain(email);
      expect(answer.body).toContain('type="password"');
      expect(answer.body).toContain('action="/v1/set-password"');
    }
    expect((await open(token, 'ar')).body).toContain('dir="rtl"');
    expect(await countRows(scene.installation.db)).toEqual(before);
    expect((await accept(scene, token)).statusCode).toBe(200);
  });

  it('its form sets the password, once', async () => {
    const { token, id } = await inviteOne(scene);
    expect((await submit({ token, password: goodPassword })).statusCode).toBe(200);
    expect((await administer(scene).read(id)).json()).toMatchObject({ status: 'ACTIVE' });
    expect((await submit({ token, password: goodPassword })).statusCode).toBe(400);
  });

  it('a press of the button without a password, as a scanner does it, leaves the token live', async () => {
    const { token } = await inviteOne(scene);
    for (const fields of [{ token }, { token, password: '' }, { token, password: 'short' }]) {
      const answer = await submit(fields);
      expect([answer.statusCode, answer.body.includes('role="alert"')]).toEqual([400, true]);
    }
    expect((await submit({ token, password: goodPassword })).statusCode).toBe(200);
  });

  it('says of each dead token what happened to it, and tells nobody whose it is', async () => {
    const withdrawn = await inviteOne(scene);
    await administer(scene).revoke(withdrawn.id);
    const superseded = await inviteOne(scene);
    await administer(scene).resend(superseded.id);
    const used = await inviteOne(scene);
    await accept(scene, used.token);
    const headings = new Set<string>();
    for (const { token, email } of [withdrawn, superseded, used]) {
      const answer = await open(token);
      expect([
        answer.statusCode,
        answer.body.includes(email),
        answer.body.includes('type="password"'),
      ]).toEqual([400, false, false]);
      headings.add(headingOf(answer));
    }
    expect(headings.size).toBe(3);
    for (const token of ['', 'x', '<script>', 'a'.repeat(64)])
      expect((await open(token)).statusCode).toBe(400);
  });

  it('takes the link of a forgotten password by the singularity contract', async () => {
    const { email, token } = await inviteOne(scene);
    await accept(scene, token);
    await post(scene.api, '/api/auth/password/reset-request', { email });
    const recovery = await handOverNewest(scene.installation.db, scene.api.config);
    expect((await open(recovery.token)).statusCode).toBe(200);
    expect((await submit({ token: recovery.token, password: 'another passphrase' })).statusCode).toBe(200);
  });

  it('is a sentence and not JSON while the store is away', async () => {
    const { token } = await inviteOne(scene);
    const answer = await withoutColumn(scene.installation.db, 'accounts.status', () => open(token));
    expect([answer.statusCode, String(answer.headers['content-type'])]).toEqual([
      503,
      expect.stringContaining('text/html') as string,
    ]);
  });
});
