import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSealedContent } from '@reconfirm/core/sealed-content';
import { unseal } from '@reconfirm/core/sealed';
import { call } from '../support/gotrue.ts';
import { appOrigin, type TestApi } from '../support/installation.ts';
import { type Answer, post, resend } from '../support/requests.ts';
import { newestMessage } from '../support/rows.ts';
import { type AllContracts, openAllContracts } from './support/all-contracts.ts';

type Asking = (api: TestApi, email: string) => Promise<Answer>;

/** Every way in which a stranger can have a mail sent to an address that may have no account. */
const askings: readonly (readonly [string, Asking])[] = [
  ['v1: /v1/resend-verification', (api, email) => resend(api, email)],
  [
    'v1: /v1/resend',
    (api, email) => post(api, '/v1/resend', { purpose: 'recovery', email, redirectUrl: appOrigin }),
  ],
  ['gotrue: /resend', (api, email) => call(api, 'POST', '/resend', { type: 'signup', email })],
  ['gotrue: /recover', (api, email) => call(api, 'POST', '/recover', { email })],
  ['gotrue: /otp', (api, email) => call(api, 'POST', '/otp', { email, create_user: false })],
  ['singularity: reset-request', (api, email) => post(api, '/api/auth/password/reset-request', { email })],
];

describe('an address that may have no account', () => {
  let scene: AllContracts;
  let telling: TestApi;
  beforeAll(async () => {
    scene = await openAllContracts({ GOTRUE_PHONE: 'on', SMS_COUNTRIES: 'DK' });
    telling = await scene.startApi({ NOTICE_UNKNOWN_ACCOUNT: 'on' });
  });
  afterAll(() => scene.close());

  it.each(askings)(
    '%s keeps it sealed where its owner is to be told, alike for everybody, and nowhere else',
    async (_name, asking) => {
      const sizes = [];
      for (const state of ['absent', 'pending'] as const) {
        const { email } = await scene.newPerson(state);
        const answer = await asking(telling, email);
        expect(answer.statusCode).toBe(200);
        const { id, sealed } = await newestMessage(scene.installation.db);
        expect(sealed?.includes(email)).toBe(false);
        const opened = unseal(telling.config.TOKEN_KEYS, sealed ?? Buffer.alloc(0), id);
        expect(readSealedContent(opened.reveal())).toEqual({ kind: 'stranger', to: email });
        sizes.push((sealed?.length ?? 0) - email.length);
      }
      expect(new Set(sizes).size).toBe(1);

      const { email } = await scene.newPerson('absent');
      expect((await asking(scene.api, email)).statusCode).toBe(200);
      expect((await newestMessage(scene.installation.db)).sealed).toBeNull();
    },
  );

  it('is never kept where it is a number: no notice goes by SMS, which costs money', async () => {
    const answer = await call(telling, 'POST', '/resend', { type: 'sms', phone: '+4520123456' });
    expect(answer.statusCode).toBe(200);
    expect(await newestMessage(scene.installation.db)).toMatchObject({ channel: 'sms', sealed: null });
  });
});
