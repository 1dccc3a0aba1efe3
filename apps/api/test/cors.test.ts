import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  appOrigin,
  type Installation,
  openInstallation,
  publicUrl,
  type TestApi,
} from './support/installation.ts';
import { newEmail, resend } from './support/requests.ts';

describe('cross-origin calls', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
  });
  afterAll(() => installation.close());

  const preflight = (origin: string) =>
    api.app.inject({
      method: 'OPTIONS',
      url: '/v1/resend-verification',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,idempotency-key',
      },
    });

  it.each([appOrigin, publicUrl])('%s may call, and read what it needs to wait', async (origin) => {
    const allowed = await preflight(origin);
    expect(allowed.headers['access-control-allow-origin']).toBe(origin);
    expect(String(allowed.headers['access-control-allow-headers'])).toContain('idempotency-key');
    const answer = await resend(api, newEmail(), { headers: { origin } });
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
    expect(String(answer.headers['access-control-expose-headers'])).toContain('retry-after');
  });

  it.each(['https://evil.example', 'https://app.example.com.evil.example', 'http://app.example.com', 'null'])(
    '%s is allowed nothing',
    async (origin) => {
      expect((await preflight(origin)).headers['access-control-allow-origin']).toBeUndefined();
      const answer = await resend(api, newEmail(), { headers: { origin } });
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  it('no origin may send cookies along', async () => {
    expect((await preflight(appOrigin)).headers['access-control-allow-credentials']).toBeUndefined();
  });
});
