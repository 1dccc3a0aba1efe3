import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, gotrueSettings, withoutLimits } from '../support/gotrue.ts';
import { expired, type Pages, pagesOf, targetOf } from '../support/gotrue-pages.ts';
import { handOver } from '../support/hand-over.ts';
import { appOrigin, type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { newEmail } from '../support/requests.ts';

describe('what a link leads back with', () => {
  let installation: Installation;
  let api: TestApi;
  let pages: Pages;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ ...gotrueSettings(), ...withoutLimits });
    pages = pagesOf(api, installation.db);
  });
  afterAll(() => installation.close());
  const press: Pages['press'] = (...form) => pages.press(...form);
  const signUp: Pages['signUp'] = (...body) => pages.signUp(...body);
  const open: Pages['open'] = (...link) => pages.open(...link);
  const askFor: Pages['askFor'] = (...asked) => pages.askFor(...asked);

  it('of the PKCE flow leads back with a code, and with its errors in the query as well', async () => {
    const verifier = 'v'.repeat(64);
    const pkce = {
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    };
    const { token, email } = await signUp({ ...pkce, redirect_to: `${appOrigin}/callback` });
    const { page, query, fragment } = targetOf(await press({ token }));
    expect([page, Object.keys(query), fragment]).toEqual([`${appOrigin}/callback`, ['code'], {}]);
    const exchange = (code: string, code_verifier: string) =>
      call(api, 'POST', '/token?grant_type=pkce', { auth_code: code, code_verifier });
    const code = query['code'] ?? '';
    expect((await exchange(code, 'w'.repeat(64))).json()).toMatchObject({ error_code: 'bad_code_verifier' });
    const all = await Promise.all(Array.from({ length: 10 }, () => exchange(code, verifier)));
    expect(all.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([
      200,
      ...Array<number>(9).fill(404),
    ]);
    expect(all.find(({ statusCode }) => statusCode === 200)?.json()).toMatchObject({ user: { email } });

    const recovering = await askFor('/recover', { ...pkce, redirect_to: `${appOrigin}/callback` });
    await press({ token: recovering.token }, recovering.cookie);
    expect(targetOf(await open(recovering.token))).toMatchObject({ query: expired, fragment: expired });
  });

  it('of a PKCE code that is past its five minutes: 422 flow_state_expired', async () => {
    const pkce = { code_challenge: 'p'.repeat(43), code_challenge_method: 'plain' };
    const { token } = await signUp(pkce);
    const { query } = targetOf(await press({ token }));
    await installation.db
      .updateTable('auth_codes')
      .set({ expires_at: new Date(0) })
      .execute();
    const answer = await call(api, 'POST', '/token?grant_type=pkce', {
      auth_code: query['code'],
      code_verifier: 'p'.repeat(43),
    });
    expect([answer.statusCode, answer.json<{ error_code: string }>().error_code]).toEqual([
      422,
      'flow_state_expired',
    ]);
  });

  it('of a change of address: the first side gets a message, the second a session', async () => {
    const { token, email } = await signUp();
    const { fragment } = targetOf(await press({ token }));
    await call(
      api,
      'PUT',
      '/user',
      { email: newEmail() },
      { headers: { authorization: `Bearer ${fragment['access_token']}` } },
    );
    const sides = await installation.db
      .selectFrom('messages')
      .select(['id', 'side'])
      .where('purpose', '=', 'email_change')
      .orderBy('seq', 'desc')
      .limit(2)
      .execute();
    const [first, second] = await Promise.all(
      sides.map(({ id }) => handOver(installation.db, api.config, id)),
    );
    expect(targetOf(await press({ token: first?.token ?? '' })).fragment).toMatchObject({
      message: 'Confirmation link accepted. Please proceed to confirm link sent to the other email',
    });
    expect(targetOf(await press({ token: second?.token ?? '' })).fragment).toMatchObject({
      type: 'email_change',
    });
    expect(email).toContain('@');
  });
});
