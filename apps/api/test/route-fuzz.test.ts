import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newestMessage } from './support/rows.ts';
import { openAllContracts, type AllContracts } from './dialects/support/all-contracts.ts';
import { createJudge, type Judge, type Undocumented } from './fuzz/judge.ts';
import { type FuzzedRequest, type Method, requestsOf, type Route } from './fuzz/route-requests.ts';
import type { Known } from './fuzz/schema-values.ts';
import { handOverNewest } from './support/hand-over.ts';
import { adminKey, appOrigin, webhookKey } from './support/installation.ts';
import type { OpenApi } from './support/openapi.ts';
import { type Answer, get, newClient, newEmail, register } from './support/requests.ts';
import { newSessionKey } from './support/access-scene.ts';

/** `FUZZ_RUNS=1000` sends so many requests to each route, however long it takes; CI sends as many as its share allows. */
const wanted = process.env['FUZZ_RUNS'];
const runs = Number(wanted ?? 60);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
/** For all routes together about 35 s, on a machine that is kept busy; without that a third of it. */
const shareMs = 350;

const webhookAnswers: Undocumented = {
  statuses: [200, 400, 401, 404, 406, 413, 415],
  types: /^(application\/(problem\+)?json|text\/plain|)$/,
};
const pageAnswers: Undocumented = {
  statuses: [200, 303, 400, 403, 404, 409, 410, 413, 415],
  types: /^(text\/html|application\/(problem\+)?json|)$/,
};
const hookAnswers: Undocumented = {
  statuses: [200, 202, 204, 400, 401, 403, 404, 413, 415, 422, 429],
  types: /^(application\/(problem\+)?json|)$/,
};

/** Routes of providers, of browsers and of machines: their callers have other documents, so what they may answer stands here. */
const undocumented: Readonly<Record<string, Undocumented>> = {
  ...Object.fromEntries(
    ['brevo', 'mailgun', 'postmark', 'resend', 'sendgrid', 'ses', 'sms', 'twilio'].map((name) => [
      `POST /v1/${name}/webhook`,
      webhookAnswers,
    ]),
  ),
  'GET /v1/not-me': pageAnswers,
  'POST /v1/not-me': pageAnswers,
  'GET /v1/set-password': pageAnswers,
  'POST /v1/set-password': pageAnswers,
  'POST /auth/v1/verify/press': pageAnswers,
  'POST /hooks/gotrue/send-email': hookAnswers,
  'POST /hooks/gotrue/send-sms': hookAnswers,
  'POST /hooks/kratos/courier': hookAnswers,
  'GET /livez': { statuses: [200], types: /json$/ },
  'GET /readyz': { statuses: [200], types: /json$/ },
  'GET /metrics': { statuses: [200], types: /^text\/plain$/ },
  'GET /docs/errors': { statuses: [200], types: /^text\/html$/ },
};

/** What browsers get from routes of a document. */
const pages: Readonly<Record<string, readonly number[]>> = {
  'GET /v1/verify-email': [200, 400, 403, 410],
  'POST /v1/verify-email': [200, 303, 400, 403, 410],
  'GET /auth/v1/verify': [200, 303, 400, 403],
};

const settings = {
  NODE_ENV: 'production',
  GOTRUE_PHONE: 'on',
  SMS_COUNTRIES: 'DK',
  RATE_LIMIT_ADDRESS: '20/60',
  LOG_LEVEL: 'fatal',
  SESSION_KEYS: newSessionKey('fuzz'),
};

const documents = ['v1', 'gotrue', 'singularity', 'entryguard'];

describe('whatever is sent to a route', () => {
  let scene: AllContracts;
  let judge: Judge;
  let known: Known;
  let credentials: readonly Readonly<Record<string, string>>[];
  const routes: Route[] = [];
  const sent = { requests: 0, statuses: new Map<number, number>() };

  beforeAll(async () => {
    scene = await openAllContracts(settings);
    const { api } = scene;
    for (const name of documents) {
      const document = (await get(api, `/openapi/${name}.json`)).json<OpenApi>();
      for (const [path, methods] of Object.entries(document.paths))
        for (const [method, operation] of Object.entries(methods))
          routes.push({ method: method.toUpperCase() as Method, path, operation });
    }
    for (const key of Object.keys(undocumented)) {
      const [method = '', path = ''] = key.split(' ');
      routes.push({ method: method as Method, path, operation: undefined });
    }
    const tenant = await register(api);
    const { messageId, token } = await handOverNewest(scene.installation.db, api.config);
    const other = await register(api);
    const user = await scene.newUser();
    const usedToken = (await handOverNewest(scene.installation.db, api.config)).token;
    const newest = await newestMessage(scene.installation.db);
    credentials = [
      { authorization: `Bearer ${adminKey}` },
      { authorization: `Bearer ${adminKey}` },
      { authorization: `Bearer ${tenant.apiKey}` },
      { authorization: `Bearer ${user.token}` },
      { authorization: `Bearer ${user.token}` },
      { 'x-api-key': tenant.apiKey },
      { authorization: 'Bearer x' },
      { authorization: 'Basic \u00ff' },
      {},
    ];
    const ids = [other.tenantId, user.tenantId, messageId, newest.id, newest.organization_id];
    const pools: readonly (readonly [RegExp, readonly string[]])[] = [
      [
        /email|address/i,
        [other.email, user.email, newEmail(), 'A.b+c@GMAIL.com', 'ana@bücher.example', '+4520123456'],
      ],
      [/phone/i, ['+4520123456', '+4512345678']],
      [/(^id$|ids?$|Id$|user)/, ids],
      [/token/i, [token, usedToken, 'f'.repeat(64), user.token]],
      [/code/i, ['123456', '000000']],
      [/password/i, ['correct horse battery 1A', 'x']],
      [/url|redirect|page/i, [`${appOrigin}/x`, 'https://hooks.example.com/in', 'https://127.0.0.1/']],
      [/locale|language/i, ['es', 'zh-Hant', 'ar']],
      [/^type$/, ['signup', 'email', 'recovery', 'sms', 'email_change', 'magiclink']],
      [/grant_type/, ['password', 'refresh_token', 'pkce']],
      [/purpose/, ['signup', 'recovery', 'magiclink', 'sms']],
      [/^(from|to|after)$/, ['2026-01-01', '2026-12-31T00:00:00Z', '0']],
    ];
    known = (name) => pools.find(([pattern]) => pattern.test(name))?.[1] ?? [];
    judge = createJudge({
      pages,
      undocumented,
      secrets: [
        adminKey,
        webhookKey,
        ...['TOKEN_KEYS', 'ADDRESS_HASH_KEY', 'DATABASE_URL'].map(
          (name) => scene.installation.settings[name] ?? '',
        ),
        settings.SESSION_KEYS,
      ].map((secret) => secret.replace(/^[\w-]+:(?!\/\/)/, '')),
    });
  }, 120_000);
  afterAll(() => scene.close());

  const send = async (request: FuzzedRequest): Promise<Answer> => {
    const { method, url, headers, payload } = request;
    const answer = await scene.api.app.inject({
      method,
      url,
      headers,
      remoteAddress: newClient(),
      ...(payload !== undefined && { payload }),
    });
    sent.requests += 1;
    sent.statuses.set(answer.statusCode, (sent.statuses.get(answer.statusCode) ?? 0) + 1);
    return answer;
  };

  it('every route of the API is among them', () => {
    const tree = scene.api.app.printRoutes({ commonPrefix: false, includeHooks: false });
    const count = tree
      .split('\n')
      .flatMap((line) => /\(([A-Z, ]+)\)$/.exec(line)?.[1]?.split(', ') ?? [])
      .filter((method) => method !== 'HEAD' && method !== 'OPTIONS').length;
    // Beside them: the documents themselves, and the reference that draws them (six routes of its own).
    expect(count - routes.length).toBe(['v1', ...documents].length + 5);
  });

  it('the answer is as documented, no 5xx, and tells no secret', async ({ annotate }) => {
    const startedAtMs = performance.now();
    const problems: string[] = [];
    for (const route of routes) {
      // It asks name servers.
      const ownRuns = route.path === '/v1/admin/doctor' ? Math.min(3, runs) : runs;
      const check = (limits: fc.Parameters<[FuzzedRequest]>): Promise<fc.RunDetails<[FuzzedRequest]>> =>
        fc.check(
          fc.asyncProperty(requestsOf(route, known, credentials), async (request) => {
            const problem = judge(route, request, await send(request));
            if (problem !== undefined) throw new Error(problem);
          }),
          { seed, ...limits },
        );
      // Every route is asked once, however slow the machine; its share of the time bounds the rest.
      const once = await check({ numRuns: 1 });
      const found =
        once.failed || ownRuns === 1
          ? once
          : await check({
              numRuns: ownRuns,
              ...(wanted === undefined && { interruptAfterTimeLimit: shareMs }),
            });
      // Where the share was over before the first answer, nothing was found.
      if (found.failed && found.counterexample !== null) problems.push(tell(found));
    }
    const statuses = [...sent.statuses].map(([status, times]) => `${status}: ${times}`).toSorted();
    await annotate(
      `${sent.requests} requests to ${routes.length} routes in ${Math.round((performance.now() - startedAtMs) / 1000)} s, seed ${seed}; ${statuses.join(', ')}`,
    );
    expect(problems.join('\n'), `seed ${seed}`).toBe('');
    // Requests that are all refused would prove little.
    expect(sent.statuses.get(200) ?? 0).toBeGreaterThan(sent.requests / 20);
  }, 3_600_000);

  const cooldown = (): Route => {
    const route = routes.find(({ path }) => path === '/v1/verification/cooldown');
    if (route === undefined) throw new Error('there is no such route');
    return route;
  };
  const asking = (url: string): FuzzedRequest => ({ method: 'GET', url, headers: {}, isOddPath: false });
  const changed = (
    answer: Answer,
    changes: { statusCode?: number; type?: string; body?: string },
  ): Answer => {
    const { statusCode = answer.statusCode, type, body = answer.body } = changes;
    const headers = type === undefined ? answer.headers : { ...answer.headers, 'content-type': type };
    return { ...answer, statusCode, headers, body, json: () => JSON.parse(body) as never };
  };

  it.each([
    ['a status that is not documented', { statusCode: 418 }, /status is not documented/],
    ['a documented 503 too', { statusCode: 503 }, /a 5xx/],
    ['another media type', { type: 'text/html' }, /media type text\/html is not documented/],
    ['a field that is missing', { body: '{"ok":true,"remainingSeconds":0}' }, /nextAllowedAt/],
    [
      'a field of another type',
      { body: '{"ok":1,"remainingSeconds":"0","nextAllowedAt":""}' },
      /remainingSeconds/,
    ],
    ['a key of the operator', { body: `{"ok":true,"x":"${adminKey}"}` }, /a secret/],
    ['a stack', { body: '{"ok":true,"x":"Error\\n    at Object.run (/srv/app.ts:1:1)"}' }, /our insides/],
  ] as const)('the check sees %s', async (_what, changes, said) => {
    const request = asking('/v1/verification/cooldown?email=a%40example.org');
    const answer = await send(request);
    expect(judge(cooldown(), request, answer)).toBeUndefined();
    expect(judge(cooldown(), request, changed(answer, changes))).toMatch(said);
  });

  it('a route that answers otherwise than documented to one request in twenty is found', async () => {
    let asked = 0;
    const found = await fc.check(
      fc.asyncProperty(requestsOf(cooldown(), known, credentials), async (request) => {
        asked += 1;
        const answer = await send(request);
        expect(
          judge(cooldown(), request, asked % 20 === 0 ? changed(answer, { statusCode: 409 }) : answer),
        ).toBeUndefined();
      }),
      { seed, numRuns: 60, endOnFailure: true },
    );
    expect([found.failed, asked]).toEqual([true, 20]);
  });
});

/** A failure with the smallest request that has it. */
const tell = ({ counterexample, errorInstance }: fc.RunDetails<[FuzzedRequest]>): string => {
  const { payload, ...request } = counterexample?.[0] ?? ({} as FuzzedRequest);
  const sent = { ...request, payload: payload?.toString('latin1').slice(0, 300) };
  return `${String(errorInstance)}\n  ${JSON.stringify(sent).slice(0, 1000)}`;
};
