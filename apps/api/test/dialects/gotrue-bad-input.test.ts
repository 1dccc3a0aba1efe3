import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  base,
  gotrueSettings,
  password,
  refusalOf,
  type Users,
  usersOf,
  withoutLimits,
} from '../support/gotrue.ts';
import { type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { newEmail } from '../support/requests.ts';

describe('requests that are wrong', () => {
  let installation: Installation;
  let api: TestApi;
  let users: Users;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ ...gotrueSettings(), ...withoutLimits });
    users = usersOf(api, installation.db);
  });
  afterAll(() => installation.close());
  const send: Users['send'] = (...request) => users.send(...request);

  describe('bad input', () => {
    const raw = (path: string, payload: string, type = 'application/json') =>
      api.app.inject({ method: 'POST', url: `${base}${path}`, headers: { 'content-type': type }, payload });
    const paths = [
      '/resend',
      '/otp',
      '/recover',
      '/magiclink',
      '/signup',
      '/verify',
      '/token?grant_type=password',
    ];

    it.each([
      ['malformed JSON', '{"type":"signup"', 400],
      ['an array', '[1]', 400],
      ['a text', '"signup"', 400],
      ['null', 'null', 400],
      ['numbers for texts', '{"type":1,"email":2,"token":3,"password":4}', 400],
      ['arrays for texts', '{"type":["signup"],"email":["a@example.org"],"password":["x"]}', 400],
      ['a mebibyte', JSON.stringify({ email: 'a'.repeat(1024 * 1024) }), 413],
      ['a poisoned prototype', '{"__proto__":{"email":"a@example.org"}}', 400],
    ])('%s is a 4xx that repeats nothing', async (_, payload, status) => {
      for (const path of paths) {
        const answer = await raw(path, payload);
        expect([path, answer.statusCode]).toEqual([path, status]);
        refusalOf(answer);
        expect(answer.body.length).toBeLessThan(300);
        expect(answer.body).not.toMatch(/example\.org|node:internal|\.ts:\d/);
      }
    });

    it.each([
      'a@example.org\r\nBcc: b@example.org',
      'a@exam ple.org',
      ' ',
      'a@example.org,b@example.org',
      'a\u0000@example.org',
      '💌@',
      `${'a'.repeat(400)}@example.org`,
    ])('%j is no address', async (email) => {
      for (const path of ['/recover', '/otp', '/magiclink'])
        expect(refusalOf(await send('POST', path, { email }))[0]).toBe(400);
    });

    it('unicode addresses are taken, and a NUL in data is refused', async () => {
      expect((await send('POST', '/recover', { email: 'jürgen@müller.example' })).statusCode).toBe(200);
      expect(
        refusalOf(await send('POST', '/signup', { email: newEmail(), password, data: { a: 'x\u0000' } }))[0],
      ).toBe(400);
    });

    it('another content type is 415, an unknown path 404, both in the form of the contract', async () => {
      expect(refusalOf(await raw('/resend', 'x', 'text/plain'))[0]).toBe(415);
      expect(refusalOf(await send('GET', '/nothing-here'))).toEqual([
        404,
        'not_found',
        'There is nothing at this path',
      ]);
    });
  });
});
