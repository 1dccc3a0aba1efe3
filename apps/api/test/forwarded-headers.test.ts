import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { newestMessage } from './support/rows.ts';
import { handOverNewest } from './support/hand-over.ts';
import { get, newClient, newEmail, register, resend } from './support/requests.ts';

describe('who the client is', () => {
  let installation: Installation;
  let direct: TestApi;
  let proxied: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    direct = await installation.startApi();
    proxied = await installation.startApi({ TRUSTED_PROXIES: '172.16.0.0/12,2001:db8:1::/48' });
  });
  afterAll(() => installation.close());

  /** The key under which a request was counted. */
  const countedAs = async (
    api: TestApi,
    from: string,
    headers: Record<string, string> = {},
  ): Promise<string> => {
    expect((await resend(api, newEmail(), { from, headers })).statusCode).toBe(200);
    return (await newestMessage(installation.db)).ip_key.toString('hex');
  };

  it.each(['x-forwarded-for', 'forwarded', 'x-real-ip', 'cf-connecting-ip', 'true-client-ip', 'x-client-ip'])(
    'without TRUSTED_PROXIES the header %s changes nothing',
    async (name) => {
      const peer = newClient();
      const plain = await countedAs(direct, peer);
      const value = name === 'forwarded' ? 'for=203.0.113.9' : '203.0.113.9';
      expect(await countedAs(direct, peer, { [name]: value })).toBe(plain);
    },
  );

  it('a forged X-Forwarded-For opens no limit: the sixth request of the peer is a 429', async () => {
    const from = newClient();
    const statuses = [];
    for (let count = 0; count < 6; count += 1)
      statuses.push(
        (await resend(direct, newEmail(), { from, headers: { 'x-forwarded-for': `203.0.113.${count}` } }))
          .statusCode,
      );
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it('behind a trusted proxy the client is the right-most address that is no proxy of ours', async () => {
    const client = newClient();
    const plain = await countedAs(direct, client);
    expect(await countedAs(proxied, '172.16.0.9', { 'x-forwarded-for': client })).toBe(plain);
    expect(
      await countedAs(proxied, '172.16.0.9', { 'x-forwarded-for': `198.51.100.7, ${client}, 172.20.1.1` }),
    ).toBe(plain);
    expect(await countedAs(proxied, '2001:db8:1::5', { 'x-forwarded-for': `unknown, ${client}` })).toBe(
      plain,
    );
  });

  it('what a client writes in front of its own address does not count', async () => {
    const client = newClient();
    const statuses = [];
    for (let count = 0; count < 6; count += 1) {
      const headers = { 'x-forwarded-for': `203.0.113.${count}, ${client}` };
      statuses.push((await resend(proxied, newEmail(), { from: '172.16.0.9', headers })).statusCode);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it('a peer that is no trusted proxy is the client, whatever it forwards', async () => {
    const peer = newClient();
    expect(await countedAs(proxied, peer, { 'x-forwarded-for': '203.0.113.50' })).toBe(
      await countedAs(direct, peer),
    );
  });

  it('garbage in the header of a trusted proxy is one bucket, and no fault', async () => {
    const first = await countedAs(proxied, '172.16.0.9', { 'x-forwarded-for': 'not-an-address' });
    expect(await countedAs(proxied, '172.16.0.9', { 'x-forwarded-for': '"><x>' })).toBe(first);
  });

  it('a /64 of IPv6 is one client, two of them are two, and a mapped IPv4 is its IPv4', async () => {
    const client = newClient();
    const one = await countedAs(direct, '2001:db8:9:1::1');
    expect(await countedAs(direct, '2001:db8:9:1:ffff::2')).toBe(one);
    expect(await countedAs(direct, '2001:db8:9:2::1')).not.toBe(one);
    expect(await countedAs(direct, `::ffff:${client}`)).toBe(await countedAs(direct, client));
  });

  it('a header that is ignored is told once in the log and counted each time', async () => {
    const api = await installation.startApi();
    for (let count = 0; count < 3; count += 1)
      await resend(api, newEmail(), { headers: { 'x-forwarded-for': '203.0.113.77' } });
    expect(api.logged().match(/proxy\.not_trusted/g)).toHaveLength(1);
    expect((await get(api, '/metrics')).body).toContain('reconfirm_untrusted_forwarded_total 3');
  });

  it('a forged Host appears in no answer and no page', async () => {
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example',
      'x-forwarded-proto': 'http',
    };
    const free = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off', TRUSTED_PROXIES: '0.0.0.0/0' });
    await register(free, {}, { headers });
    const { token } = await handOverNewest(installation.db, free.config);
    const answers = [
      await resend(free, newEmail(), { headers }),
      await resend(free, 'nobody', { headers }),
      await get(free, `/v1/verify-email?token=${token}`, { headers }),
      await get(free, '/openapi.json', { headers }),
      await get(free, '/docs', { headers }),
    ];
    for (const answer of answers) {
      expect(answer.body).not.toContain('evil.example');
      expect(JSON.stringify(answer.headers)).not.toContain('evil.example');
    }
  });
});
