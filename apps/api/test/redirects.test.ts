import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installation, openInstallation, publicUrl, type TestApi } from './support/installation.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { newClient, newEmail, post, resend } from './support/requests.ts';
import { countRows, newestMessage } from './support/rows.ts';

const refused: readonly (readonly [string, string])[] = [
  ['a foreign origin', 'https://evil.example/verify'],
  ['a listed origin as a prefix', 'https://app.example.com.evil.example/'],
  ['a listed origin as a user name', 'https://app.example.com@evil.example/'],
  ['a user name before a listed origin', 'https://someone@app.example.com/'],
  ['another port', 'https://app.example.com:8443/'],
  ['a sub-domain', 'https://sub.app.example.com/'],
  ['http in production', 'http://app.example.com/verify'],
  ['a fragment, which would swallow the token', 'https://app.example.com/verify#token='],
  ['a script', 'javascript:alert(1)//https://app.example.com'],
  ['data', 'data:text/html,hello'],
];

describe('where a link may lead', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
  });
  afterAll(() => installation.close());

  it.each(refused)(
    'REDIRECT_ON_MISS=400: %s is a 400 REDIRECT_NOT_ALLOWED and no row (%s)',
    async (_what, url) => {
      const before = await countRows(installation.db);
      for (const path of ['/v1/resend-verification', '/v1/register']) {
        const answer = await post(api, path, { email: newEmail(), verificationRedirectUrl: url });
        const problem = expectProblem(answer, {
          status: 400,
          code: 'VALIDATION_ERROR',
          reason: 'REDIRECT_NOT_ALLOWED',
        });
        expect(fieldsOf(problem)).toEqual(['verificationRedirectUrl']);
        expect(answer.body).not.toContain('evil');
      }
      expect(await countRows(installation.db)).toEqual(before);
    },
  );

  it.each([
    ['relative', '/verify'],
    ['without a scheme', 'app.example.com/verify'],
    ['with a line break', 'https://app.example.com/\r\nBcc: x'],
    ['with a backslash', 'https:\\\\app.example.com'],
    ['with a space', 'https://app.example.com/ verify'],
  ])('a URL that is %s is a 400 VALIDATION_FAILED', async (_what, url) => {
    const answer = await resend(api, newEmail(), { body: { verificationRedirectUrl: url } });
    expect(fieldsOf(expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' }))).toEqual([
      'verificationRedirectUrl',
    ]);
  });

  it.each([
    ['a listed origin', 'https://app.example.com/verify?step=2'],
    ['our own origin', `${publicUrl}/v1/verify-email`],
  ])('%s is accepted and stored with the message', async (_what, url) => {
    expect((await resend(api, newEmail(), { body: { verificationRedirectUrl: url } })).statusCode).toBe(200);
    expect((await newestMessage(installation.db)).redirect_url).toBe(url);
  });

  it('a refused redirect charges nobody anything', async () => {
    const limited = await installation.startApi();
    const [from, email] = [newClient(), newEmail()];
    for (let count = 0; count < 8; count += 1)
      expect(
        (await resend(limited, email, { from, body: { verificationRedirectUrl: 'https://evil.example/' } }))
          .statusCode,
      ).toBe(400);
    expect((await resend(limited, email, { from })).statusCode).toBe(200);
  });

  it.each(refused)(
    'REDIRECT_ON_MISS=fallback: %s is accepted and dropped, never stored (%s)',
    async (_what, url) => {
      const lenient = await installation.startApi({
        REDIRECT_ON_MISS: 'fallback',
        RATE_LIMIT_ADDRESS: 'off',
      });
      expect((await resend(lenient, newEmail(), { body: { verificationRedirectUrl: url } })).statusCode).toBe(
        200,
      );
      expect((await newestMessage(installation.db)).redirect_url).toBeNull();
    },
  );

  it('outside production http passes, and * allows every origin', async () => {
    const local = await installation.startApi({
      NODE_ENV: 'development',
      REDIRECT_ORIGINS: '*',
      RATE_LIMIT_ADDRESS: 'off',
    });
    const answer = await resend(local, newEmail(), {
      body: { verificationRedirectUrl: 'http://localhost:5173/verify' },
    });
    expect(answer.statusCode).toBe(200);
  });
});
