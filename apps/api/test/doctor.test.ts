import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adminKey,
  type Installation,
  openInstallation,
  type TestApi,
  webhookKey,
  startApi,
} from './support/installation.ts';
import { eventually } from './support/eventually.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { get, getAsAdmin, post } from './support/requests.ts';

interface Answer {
  readonly domain: string | null;
  readonly verdict: string;
  readonly at: string;
  readonly findings: readonly { readonly check: string; readonly severity: string; readonly what: string }[];
}

/** A name server that knows no name, and counts the questions; the real one of the examination is tested beside it. */
const startEmptyDns = async () => {
  const socket = createSocket('udp4');
  const questions: string[] = [];
  let held: (() => void)[] | undefined;
  socket.on('message', (query, from) => {
    questions.push(query.toString('latin1'));
    if (held === undefined) answer(query, from);
    else held.push(() => answer(query, from));
  });
  const answer = (query: Buffer, from: RemoteInfo): void => {
    const reply = Buffer.from(query);
    // QR and RD, RA and NXDOMAIN (RFC 1035, 4.1.1); no records besides the question.
    reply.writeUInt16BE(0x8183, 2);
    reply.writeUInt16BE(0, 10);
    socket.send(reply, from.port, from.address);
  };
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    socket,
    questions,
    address: `127.0.0.1:${socket.address().port}`,
    /** Keeps every answer back. */
    hold: () => {
      held = [];
    },
    release: () => {
      for (const go of held ?? []) go();
      held = undefined;
    },
  };
};

describe('GET /v1/admin/doctor', () => {
  let installation: Installation;
  let api: TestApi;
  let dns: Awaited<ReturnType<typeof startEmptyDns>>;
  beforeAll(async () => {
    installation = await openInstallation();
    dns = await startEmptyDns();
    api = await installation.startApi({
      EMAIL_PROVIDER: 'mailgun',
      MAIL_FROM: 'App <no-reply@example.com>',
      SMTP_URL: 'smtp://the-login:the-password@127.0.0.1:1',
      DOCTOR_DNS_SERVERS: dns.address,
    });
  });
  afterAll(async () => {
    await installation.close();
    dns.socket.close();
    await once(dns.socket, 'close');
  });

  it('tells what is wrong with the sender, the records to publish, and no secret', async () => {
    const answer = await getAsAdmin(api, '/v1/admin/doctor');
    expect(answer.statusCode).toBe(200);
    const report = answer.json<Answer>();
    expect(report).toMatchObject({ ok: true, domain: 'example.com', verdict: 'error' });
    expect(Math.abs(Date.parse(report.at) - Date.now())).toBeLessThan(60_000);
    expect(report.findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          check: 'spf',
          severity: 'error',
          record: { type: 'TXT', name: 'example.com', value: 'v=spf1 include:mailgun.org ~all' },
        }),
        expect.objectContaining({
          check: 'smtp',
          severity: 'error',
          what: '127.0.0.1:1 cannot be reached (ECONNREFUSED)',
        }),
        expect.objectContaining({
          check: 'clock',
          severity: 'ok',
          what: expect.stringContaining('the database') as string,
        }),
        expect.objectContaining({ check: 'webhook', severity: 'ok' }),
        expect.objectContaining({ check: 'tracking', severity: 'ok' }),
      ]),
    );
    for (const secret of ['the-login', 'the-password', webhookKey, adminKey]) {
      expect(answer.body).not.toContain(secret);
      expect(api.logged()).not.toContain(secret);
    }
  });

  it('is a 401 without the admin key, before a question is asked', async () => {
    const before = dns.questions.length;
    expectProblem(await get(api, '/v1/admin/doctor'), { status: 401, reason: 'UNAUTHORIZED' });
    const headers = { authorization: `Bearer ${adminKey}x` };
    expectProblem(await get(api, '/v1/admin/doctor', { headers }), { status: 401, reason: 'UNAUTHORIZED' });
    expect(dns.questions).toHaveLength(before);
  });

  it('examines an organization with a sender of its own, as soon as it is set', async () => {
    const other = {
      name: 'Other',
      slug: 'other',
      settings: { MAIL_FROM: 'Other <hello@other.example.org>' },
    };
    const headers = { authorization: `Bearer ${adminKey}` };
    const made = await post(api, '/v1/admin/organizations', other, { headers });
    const { organization } = made.json<{ organization: { id: string } }>();
    const report = (
      await getAsAdmin(api, `/v1/admin/doctor?organizationId=${organization.id}`)
    ).json<Answer>();
    expect(report.domain).toBe('other.example.org');
    expectProblem(
      await getAsAdmin(api, '/v1/admin/doctor?organizationId=0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01'),
      {
        status: 404,
        reason: 'NOT_FOUND',
      },
    );
    for (const query of ['organizationId=1', 'domain=example.com']) {
      const answer = await getAsAdmin(api, `/v1/admin/doctor?${query}`);
      expect(fieldsOf(expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' }))).toEqual([
        query.split('=')[0],
      ]);
    }
  });

  it('says what it does not know, where the API knows nothing of the sender', async () => {
    const bare = await startApi({
      ...installation.settings,
      EMAIL_PROVIDER: 'mailgun',
      PUBLIC_URL: 'https://10.0.0.7',
      DOCTOR_DNS_SERVERS: dns.address,
    });
    try {
      const report = (await getAsAdmin(bare, '/v1/admin/doctor')).json<Answer>();
      expect(report).toMatchObject({ domain: null, verdict: 'error' });
      expect(report.findings.map(({ check, severity }) => `${severity} ${check}`)).toEqual(
        expect.arrayContaining(['unknown sender', 'unknown smtp', 'error webhook']),
      );
    } finally {
      // Its settings are not those of the others, which a test below looks at.
      await bare.stop();
    }
  });

  it('notices processes whose settings are not the same', async () => {
    const settingsOf = async (): Promise<Answer['findings'][number] | undefined> =>
      (await getAsAdmin(api, '/v1/admin/doctor'))
        .json<Answer>()
        .findings.find(({ check }) => check === 'settings');
    // The database ends the connections of the API above a moment after it has closed them.
    await eventually(
      'only processes of one setting are there',
      async () => (await settingsOf())?.severity !== 'warning',
    );
    expect(await settingsOf()).toMatchObject({
      severity: 'unknown',
      what: 'No worker was seen at the database',
    });
    const other = await installation.startApi({ BRAND_NAME: 'Another' });
    expect((await get(other, '/readyz')).statusCode).toBe(200);
    expect(await settingsOf()).toMatchObject({ severity: 'warning' });
  });

  it('refuses more examinations than can be made in time, and goes on', async () => {
    const statuses: number[] = [];
    const ask = async (): Promise<void> => {
      const { statusCode } = await getAsAdmin(api, '/v1/admin/doctor');
      statuses.push(statusCode);
    };
    dns.hold();
    const asking = Promise.all(Array.from({ length: 12 }, ask));
    // Two are in hand and four wait, so six were refused while not one had an answer.
    await eventually('six refusals', () => Promise.resolve(statuses.length >= 6 || undefined));
    expect(statuses).toEqual(Array.from({ length: 6 }, () => 503));
    dns.release();
    await asking;
    expect(statuses.slice(6)).toEqual(Array.from({ length: 6 }, () => 200));
    expect((await getAsAdmin(api, '/v1/admin/doctor')).statusCode).toBe(200);
  });
});
