import { randomBytes, randomInt } from 'node:crypto';
import { openTcpProxy, waitUntil } from '@reconfirm/local-stack';
import { expect } from 'vitest';
import type { Question } from '../../src/http-client.ts';
import { webhookKey, type RunningApi, type RunningWorker, type Settings } from '../../src/installation.ts';
import { reportEvent, variablesOf } from '../../src/mailgun-webhook.ts';
import type { QuotingSmtp } from '../../src/quoting-smtp.ts';
import type { Evidence, Mail, Said } from './evidence.ts';
import type { Scene } from './scene.ts';

/** What the people of the canary test do, right and wrong, and what fails around them. */
export interface Stage {
  readonly scene: Scene;
  readonly evidence: Evidence;
  readonly redisUrl: string;
  readonly api: RunningApi;
  readonly apiSettings: Settings;
  readonly worker: RunningWorker;
  readonly workerSettings: Settings;
  readonly quoting: QuotingSmtp;
  readonly endpointUrl: string;
}

const drawn = (prefix: string): string => `${prefix}-${randomBytes(9).toString('hex')}@example.org`;

const drawPeople = () => ({
  ada: drawn('canary-ada'),
  adaLater: drawn('canary-moved'),
  bob: drawn('canary-bob'),
  carl: drawn('canary-carl'),
  putOff: drawn('canary-later'),
  refused: drawn('canary-refused'),
  stranger: drawn('canary-stranger'),
  phone: `+4520${randomInt(100_000, 1_000_000)}`,
});

const drawPassword = (): string => `Pw-${randomBytes(24).toString('base64url')}-9!`;

const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

/** Does everything once; resolves to the addresses and numbers that went through, and the id of a message. */
export const playCanaries = async (
  stage: Stage,
): Promise<{ readonly addresses: readonly string[]; readonly messageId: string }> => {
  const people = drawPeople();
  const acts = actsOf(stage, people);
  const registered = await acts.register();
  const session = await acts.comeBack(registered.second);
  const moved = await acts.signUpInviteAndMove(registered.asAda, session.magic);
  await acts.meetRefusals(moved.signup, moved.invitation);
  await acts.loseStores(registered.asAda, moved.moved, session.refreshed);
  return {
    addresses: Object.values(people),
    messageId: acts.messageIdOf(registered.second),
  };
};

const actsOf = (
  { scene, evidence, redisUrl, api, apiSettings, worker, workerSettings, quoting, endpointUrl }: Stage,
  { ada, adaLater, bob, carl, putOff, refused, stranger, phone }: ReturnType<typeof drawPeople>,
) => {
  const { learn } = evidence;
  const running = new Set([api.url, worker.opsUrl]);
  const keep = (): Promise<void> => evidence.keep({ ...scene, redisUrl }, running);
  const read = (to: string, after?: Mail): Promise<Mail> => evidence.read(scene.inbox, to, after?.mail);
  const ask = (method: string, path: string, question: Question = {}, of = api) =>
    evidence.ask(of, method, path, question);
  const expectOk = async (method: string, path: string, question: Question, of = api): Promise<Said> => {
    const { status, body } = await ask(method, path, question, of);
    expect(status, `${path.split('?')[0]}: ${status < 300 ? '' : JSON.stringify(body)}`).toBeLessThan(300);
    return body;
  };
  const learnSession = (said: Said): Readonly<Record<string, string>> => {
    const accessToken = said.access_token ?? said.accessToken ?? '';
    learn('signature of an access token', accessToken.split('.')[2]);
    learn('refresh token', said.refresh_token ?? said.refreshToken);
    return { authorization: `Bearer ${accessToken}` };
  };
  const asAdmin = { authorization: `Bearer ${learn('admin key', api.adminKey)}` };
  const password = learn('password', drawPassword());
  const newPassword = learn('password', drawPassword());
  const wrongPassword = learn('password', drawPassword());

  return {
    messageIdOf: ({ mail }: Mail): string => variablesOf(mail).mid,

    /** A registration: first mail, second mail, wrong and right proofs, and an application that is told of it. */
    register: async () => {
      const endpoint = await expectOk('POST', '/v1/admin/webhook-endpoints', {
        headers: asAdmin,
        json: { url: endpointUrl },
      });
      learn('secret of a webhook', endpoint.secret ?? endpoint.endpoint?.secret);
      const { apiKey } = await expectOk('POST', '/v1/register', { json: { email: ada } });
      const asAda = { authorization: `Bearer ${learn('API key', apiKey)}` };
      const first = await read(ada);
      await keep();
      await expectOk('POST', '/v1/resend-verification', {
        json: { email: ada },
        headers: { 'idempotency-key': learn('idempotency key', randomBytes(16).toString('hex')) },
      });
      const second = await read(ada, first);
      await ask('POST', '/v1/verify', { json: { email: ada, code: wrong(second.code) } });
      await ask('POST', '/v1/verify', { json: { email: ada, code: first.code } });
      await ask('POST', '/v1/verify', { json: { token: second.token, email: ada } });
      await ask('POST', '/v1/verify-email', { json: { token: first.token } });
      await ask('POST', '/v1/verify-email', { json: { token: `${second.token}0` } });
      await ask('GET', `/v1/verify-email/check?token=${first.token}x`);
      await ask('GET', `/v1/%zz?token=${second.token}`);
      await ask('GET', `/v1/nothing/${second.token}`);
      await ask('POST', `/v1/verify-email?token=${second.token}`, { json: { email: ada, password } });
      await ask('GET', `/v1/verify-email?token=${second.token}`, { headers: { accept: 'text/html' } });
      await reportEvent({ ask }, 'failed', second.mail, webhookKey, {
        reason: `${ada} ${second.token}`,
        severity: 'temporary',
      });
      await reportEvent({ ask }, 'delivered', second.mail, 'not the key');
      await reportEvent({ ask }, 'delivered', second.mail);
      await expectOk('POST', '/v1/verify', { json: { email: ada, code: second.code } });
      await expectOk('POST', '/v1/verify', { json: { token: second.token } });
      await keep();
      return { asAda, second };
    },

    /** Back in without a password, and by a link. */
    comeBack: async (second: Mail) => {
      await expectOk('POST', '/auth/v1/recover', { json: { email: ada } });
      const recovery = await read(ada, second);
      await ask('POST', '/auth/v1/verify', {
        json: { type: 'recovery', email: ada, token: wrong(recovery.code) },
      });
      const session = await expectOk('POST', '/auth/v1/verify', {
        json: { type: 'recovery', email: ada, token: recovery.code },
      });
      learnSession(session);
      const refreshed = await expectOk('POST', '/auth/v1/token?grant_type=refresh_token', {
        json: { refresh_token: session.refresh_token },
      });
      const signedIn = learnSession(refreshed);
      await ask('POST', '/auth/v1/token?grant_type=refresh_token', {
        json: { refresh_token: `${refreshed.refresh_token}x` },
      });
      await ask('GET', '/auth/v1/user', {
        headers: { authorization: `${signedIn['authorization'] ?? ''}x` },
      });
      await expectOk('POST', '/auth/v1/otp', { json: { email: ada } });
      const magic = await read(ada, recovery);
      learnSession(
        await expectOk('POST', '/auth/v1/verify', { json: { type: 'magiclink', token_hash: magic.token } }),
      );
      await ask('POST', '/auth/v1/verify', { json: { type: 'magiclink', token_hash: magic.token } });
      return { refreshed, magic };
    },

    /** A sign-up with a password, an invitation, a move to another address, and a number. */
    signUpInviteAndMove: async (asAda: Readonly<Record<string, string>>, magic: Mail) => {
      await expectOk('POST', '/auth/v1/signup', { json: { email: bob, password } });
      const signup = await read(bob);
      await keep();
      learnSession(
        await expectOk('POST', '/auth/v1/verify', {
          json: { type: 'signup', email: bob, token: signup.code },
        }),
      );
      await ask('POST', '/auth/v1/token?grant_type=password', {
        json: { email: bob, password: wrongPassword },
      });
      learnSession(
        await expectOk('POST', '/auth/v1/token?grant_type=password', { json: { email: bob, password } }),
      );
      await expectOk('POST', '/api/v1/users', { headers: asAdmin, json: { email: carl, name: 'Carl' } });
      const invitation = await read(carl);
      await ask('POST', '/api/v1/auth/set-password', {
        json: { inviteToken: invitation.token, password: 'short' },
      });
      await ask('POST', '/api/v1/auth/set-password', {
        json: { inviteToken: `${invitation.token}a`, password: newPassword },
      });
      learnSession(
        await expectOk('POST', '/api/v1/auth/set-password', {
          json: { inviteToken: invitation.token, password: newPassword },
        }),
      );
      await ask('POST', '/api/v1/auth/set-password', {
        json: { inviteToken: invitation.token, password: newPassword },
      });
      await expectOk('POST', '/v1/tenants/me/email-change', { headers: asAda, json: { email: adaLater } });
      const [agreed, moved] = [await read(ada, magic), await read(adaLater)];
      await keep();
      await expectOk('POST', '/v1/verify', { json: { token: agreed.token } });
      await expectOk('POST', '/v1/verify', { json: { token: moved.token } });
      await read(ada, agreed);
      await expectOk('POST', '/v1/tenants/me/phone-change', { headers: asAda, json: { phone } });
      const changed = await read(`+45 ${phone.slice(3).replaceAll(/(\d\d)(?=\d)/g, '$1 ')}`);
      await ask('POST', '/v1/verify', { json: { phone, code: wrong(changed.code) } });
      await expectOk('POST', '/v1/verify', { json: { phone, code: changed.code } });
      await expectOk('POST', '/v1/resend', { json: { purpose: 'sms', phone } });
      const texted = await read(phone, changed);
      await ask('POST', '/v1/resend', { json: { purpose: 'recovery', email: stranger } });
      await ask('POST', '/api/auth/password/reset-request', { json: { email: stranger } });
      await ask('POST', '/v1/register', { json: { email: `${stranger} ${texted.code}` } });
      await keep();
      return { signup, invitation, moved };
    },

    /** A provider that refuses and repeats everything, a complaint, and a report that quotes. */
    meetRefusals: async (signup: Mail, invitation: Mail) => {
      const talked = await scene.startWorker({ ...workerSettings, SMTP_URL: quoting.url });
      running.delete(worker.opsUrl);
      running.add(talked.opsUrl);
      await worker.terminate();
      for (const email of [putOff, refused]) await expectOk('POST', '/v1/register', { json: { email } });
      await waitUntil('both were refused', () => quoting.replies.length >= 2);
      for (const reply of quoting.replies) {
        learn('token', /token=([0-9a-f]{64})/.exec(reply)?.[1]);
        learn('code', /code (\d{6})/.exec(reply)?.[1]);
      }
      const isFailed = async (): Promise<boolean> =>
        (await api.client.messages({ status: 'bounced' })).length > 0;
      await waitUntil('the refusal is on record', isFailed, 60_000);
      await reportEvent({ ask }, 'complained', signup.mail, webhookKey, { reason: bob });
      await reportEvent({ ask }, 'failed', invitation.mail, webhookKey, {
        severity: 'permanent',
        reason: 'bounce',
        'delivery-status': {
          code: 550,
          message: `<${carl}> ${invitation.token} unknown`,
          description: carl,
        },
      });
      await keep();
      running.delete(talked.opsUrl);
      await talked.terminate();
    },

    /** Both stores break off in the middle. */
    loseStores: async (asAda: Readonly<Record<string, string>>, moved: Mail, refreshed: Said) => {
      await using toRedis = await openTcpProxy(redisUrl);
      await using toDatabase = await openTcpProxy(scene.databaseUrl);
      const faulty = { DATABASE_URL: toDatabase.url, REDIS_URL: toRedis.url };
      const broken = await scene.startApi({ ...apiSettings, ...faulty });
      const brokenWorker = await scene.startWorker({
        ...workerSettings,
        ...faulty,
        SMTP_URL: scene.inbox.smtpUrl,
      });
      await toRedis.become('closed');
      await expectOk('POST', '/v1/resend', { json: { purpose: 'recovery', email: adaLater } }, broken);
      const last = await read(adaLater, moved);
      await toDatabase.become('closed');
      const failing: readonly (readonly [string, unknown])[] = [
        ['/v1/register', { email: stranger }],
        ['/v1/resend-verification', { email: bob }],
        ['/v1/verify', { token: last.token }],
        ['/v1/verify', { email: adaLater, code: last.code, purpose: 'recovery' }],
        ['/auth/v1/token?grant_type=password', { email: bob, password }],
        ['/auth/v1/token?grant_type=refresh_token', { refresh_token: refreshed.refresh_token }],
        ['/auth/v1/signup', { email: stranger, password: newPassword }],
        ['/api/v1/auth/set-password', { inviteToken: last.token, password: newPassword }],
        [`/api/auth/password/reset?token=${last.token}`, { password: newPassword }],
      ];
      for (const [path, json] of failing)
        expect((await ask('POST', path, { json }, broken)).status, path).toBeGreaterThanOrEqual(500);
      await ask('GET', '/v1/tenants/me', { headers: asAda }, broken);
      for (const url of [broken.url, brokenWorker.opsUrl]) running.add(url);
      await keep();
      await Promise.all([broken.kill(), brokenWorker.kill()]);
    },
  };
};
