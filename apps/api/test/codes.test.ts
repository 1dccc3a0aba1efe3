import { purposeNames } from '@reconfirm/core/purposes/registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wrongCodeMs } from '../src/confirm.ts';
import { handOverNewest } from './support/hand-over.ts';
import { appOrigin, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import {
  type Answer,
  get,
  newEmail,
  post,
  type Registered,
  register,
  resend,
  tenantOf,
} from './support/requests.ts';

/** A page of the application, on an origin that links may lead to. */
const page = `${appOrigin}/signed-in`;

describe('a code', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off', PURPOSE_LIVE_TOKENS: 'signup=newest-3' });
  });
  afterAll(() => installation.close());

  interface Mailed extends Registered {
    readonly code: string;
    readonly token: string;
    readonly messageId: string;
  }

  /** The newest mail of anybody, handed over, with the code that stands in it. */
  const readMail = () => handOverNewest(installation.db, api.config);
  const registerAndMail = async (): Promise<Mailed> => {
    const registered = await register(api);
    return { ...registered, ...(await readMail()) };
  };
  const enter = (email: string, code: string): Promise<Answer> => post(api, '/v1/verify', { email, code });
  const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

  it('typed with the address confirms it, however it is spaced, and again within its lifetime', async () => {
    const { email, code, apiKey } = await registerAndMail();
    const answer = await enter(email, ` ${code.slice(0, 3)} - ${code.slice(3)} `);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      ok: true,
      purpose: 'signup',
      email,
      alreadyConfirmed: false,
      session: null,
    });
    expect(await tenantOf(api, { apiKey })).toMatchObject({ status: 'ACTIVE' });
    expect((await enter(email, code)).json()).toMatchObject({ alreadyConfirmed: true });
  });

  it('that is wrong answers as for an address that nobody has', async () => {
    const { email, code } = await registerAndMail();
    const known = await enter(email, wrong(code));
    const unknown = await enter(newEmail(), wrong(code));
    expectProblem(known, { status: 400, reason: 'TOKEN_UNKNOWN' });
    const { instance: _1, requestId: _2, ...one } = known.json<Record<string, unknown>>();
    const { instance: _3, requestId: _4, ...other } = unknown.json<Record<string, unknown>>();
    expect(one).toEqual(other);
  });

  it('that is wrong is answered after the same while, whether there was one to compare it with or not', async () => {
    const { email, code } = await registerAndMail();
    const timed = async (address: string, typed: string): Promise<number> => {
      const startedMs = performance.now();
      await enter(address, typed);
      return performance.now() - startedMs;
    };
    // A timer may be a millisecond early.
    for (const address of [email, newEmail()])
      expect(await timed(address, wrong(code))).toBeGreaterThanOrEqual(wrongCodeMs - 1);
  });

  it('of one address is worth nothing with another', async () => {
    const [one, other] = [await registerAndMail(), await registerAndMail()];
    expectProblem(await enter(one.email, other.code === one.code ? wrong(one.code) : other.code), {
      status: 400,
      reason: 'TOKEN_UNKNOWN',
    });
  });

  it('is compared five times and no more, of 1,000 wrong ones at once; then the right one is locked and the link works', async () => {
    const { email, code, token } = await registerAndMail();
    const answers = await Promise.all(Array.from({ length: 1000 }, () => enter(email, wrong(code))));
    expect(answers.filter((a) => a.statusCode === 400)).toHaveLength(5);
    const locked = answers.filter((a) => a.statusCode === 429);
    expect(locked).toHaveLength(995);
    for (const answer of locked) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expectProblem(await enter(email, code), { status: 429, reason: 'CODE_LOCKED' });
    expect((await post(api, '/v1/verify', { token })).statusCode).toBe(200);
  });

  it('keeps its guess budget over a resend', async () => {
    const { email, code } = await registerAndMail();
    for (let i = 0; i < 5; i += 1)
      expectProblem(await enter(email, wrong(code)), { status: 400, reason: 'TOKEN_UNKNOWN' });
    await resend(api, email);
    const newer = await readMail();
    expectProblem(await enter(email, newer.code), { status: 429, reason: 'CODE_LOCKED' });
  });

  it('of the third newest mail still works where the newest three do, and that of the fourth does not', async () => {
    const first = await registerAndMail();
    const later: { readonly code: string }[] = [];
    for (let i = 0; i < 3; i += 1) {
      // An account that is verified gets no more mails, so all are asked for before one is used.
      await resend(api, first.email);
      later.push(await readMail());
    }
    expectProblem(await enter(first.email, first.code), { status: 400, reason: 'TOKEN_SUPERSEDED' });
    expect((await enter(first.email, later[0]?.code ?? '')).json()).toMatchObject({
      alreadyConfirmed: false,
    });
    // The address is proved, and whoever brings another of its codes has succeeded, too.
    expect((await enter(first.email, later[2]?.code ?? '')).json()).toMatchObject({ alreadyConfirmed: true });
  });

  it('that is right gives its guess back: six right ones in a row are no lock', async () => {
    const { email, code } = await registerAndMail();
    for (let i = 0; i < 6; i += 1) expect((await enter(email, code)).statusCode).toBe(200);
  });

  it('that has expired says so, while its link still works', async () => {
    const { email, code, token, messageId } = await registerAndMail();
    await installation.db
      .updateTable('verifications')
      .set({ code_expires_at: new Date(Date.now() - 1000) })
      .where('message_id', '=', messageId)
      .execute();
    expectProblem(await enter(email, code), { status: 400, reason: 'TOKEN_EXPIRED' });
    expect((await post(api, '/v1/verify', { token })).statusCode).toBe(200);
  });

  it('needs an address and nothing else beside it', async () => {
    for (const body of [
      {},
      { email: newEmail() },
      { code: '123456' },
      { token: 'f'.repeat(64), code: '123456' },
    ])
      expectProblem(await post(api, '/v1/verify', body), { status: 400, reason: 'VALIDATION_FAILED' });
  });
});

describe('asking for a message of any purpose', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
  });
  afterAll(() => installation.close());

  const ask = (body: object): Promise<Answer> => post(api, '/v1/resend', body);

  it('answers alike for a known and an unknown address, with a handle and the next time', async () => {
    const { email } = await register(api);
    const answers = [
      await ask({ purpose: 'recovery', email, redirectUrl: page }),
      await ask({ purpose: 'recovery', email: newEmail(), redirectUrl: page }),
    ];
    for (const answer of answers) {
      expect(answer.statusCode).toBe(200);
      const { messageId, nextAllowedAt, ...rest } = answer.json<Record<string, unknown>>();
      expect(rest).toEqual({ ok: true });
      expect(messageId).toMatch(/^[0-9a-f-]{36}$/);
      const waitMs = new Date(nextAllowedAt as string).getTime() - Date.now();
      expect(waitMs).toBeGreaterThan(50_000);
      expect(waitMs).toBeLessThanOrEqual(60_000);
    }
    expect(Object.keys(answers[0]?.headers ?? {})).toEqual(Object.keys(answers[1]?.headers ?? {}));
  });

  it('counts each purpose of an address by itself', async () => {
    const email = newEmail();
    const redirectUrl = page;
    for (const purpose of ['signup', 'recovery', 'magiclink'])
      expect((await ask({ purpose, email, redirectUrl })).statusCode).toBe(200);
    expectProblem(await ask({ purpose: 'recovery', email, redirectUrl }), {
      status: 429,
      reason: 'RESEND_COOLDOWN',
    });
  });

  it.each(purposeNames.filter((name) => !['signup', 'recovery', 'magiclink'].includes(name)))(
    'is refused for %s, which not everybody may ask for',
    async (purpose) => {
      expectProblem(await ask({ purpose, email: newEmail() }), { status: 400, reason: 'VALIDATION_FAILED' });
    },
  );

  it('gives a handle that says pending, and verified once the address was proved by whatever message', async () => {
    const { email } = await register(api);
    await installation.db.deleteFrom('limit_charges').execute();
    const other = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
    const { messageId } = (await post(other, '/v1/resend', { purpose: 'signup', email })).json<{
      messageId: string;
    }>();
    const statusOf = async (handle: string) => (await get(api, `/v1/messages/${handle}`)).json<unknown>();
    expect(await statusOf(messageId)).toEqual({ ok: true, status: 'pending' });
    const { token } = await handOverNewest(installation.db, api.config);
    await post(api, '/v1/verify-email', { token });
    expect(await statusOf(messageId)).toEqual({ ok: true, status: 'verified' });
    const another = messageId.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    expect(await statusOf(another)).toEqual({ ok: true, status: 'pending' });
  });

  it('pending is also the answer for an account that had nothing to confirm, and for a made-up handle', async () => {
    const answer = await ask({ purpose: 'magiclink', email: newEmail(), redirectUrl: page });
    const { messageId } = answer.json<{ messageId: string }>();
    expect((await get(api, `/v1/messages/${messageId}`)).json()).toEqual({ ok: true, status: 'pending' });
    expectProblem(await get(api, '/v1/messages/not-a-handle'), { status: 400, reason: 'VALIDATION_FAILED' });
  });
});
