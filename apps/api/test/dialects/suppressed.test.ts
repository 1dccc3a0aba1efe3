import { addSuppression } from '@reconfirm/db/suppressions';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../support/gotrue.ts';
import { appOrigin, type TestApi } from '../support/installation.ts';
import { type Answer, post, resend } from '../support/requests.ts';
import { newestMessage } from '../support/rows.ts';
import { addressKeyOf } from '../../src/request-keys.ts';
import { type AllContracts, openAllContracts } from './support/all-contracts.ts';

type Asking = (api: TestApi, email: string) => Promise<Answer>;

/** What anybody can ask about any address, where the contract is not to tell who has an account. */
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

/** Status, headers and body, without what differs between any two answers: ids, times and what is drawn. */
const shown = ({ statusCode, headers, body }: Answer): string => {
  const masked: Record<string, (value: string) => string> = {
    date: () => '[time]',
    'x-request-id': () => '[id]',
    ratelimit: (value) => value.replaceAll(/t=\d+/g, 't=[seconds]'),
    'set-cookie': (value) => value.replaceAll(/=[\w-]{43};/g, '=[drawn];'),
  };
  const kept = Object.entries(headers).map(([name, value]) => [
    name,
    (masked[name] ?? String)(String(value)),
  ]);
  const text = body
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '[id]')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '[time]');
  return JSON.stringify([statusCode, kept, text]);
};

describe('R11.1, R29.3: the answer about a suppressed address', () => {
  let scene: AllContracts;
  let strict: TestApi;
  beforeAll(async () => {
    scene = await openAllContracts();
    strict = await scene.startApi({ DISCLOSURE: 'strict' });
  });
  afterAll(() => scene.close());

  const suppress = (email: string) =>
    addSuppression(scene.installation.db, {
      organizationId: defaultOrganizationId,
      addressKey: addressKeyOf({ hashKey: strict.config.ADDRESS_HASH_KEY }, defaultOrganizationId, email),
      channel: 'email',
      days: null,
      who: 'test',
      why: 'test',
    });

  it.each(askings)('%s is that about any other, byte for byte, and so is the row', async (_name, asking) => {
    const answers = [];
    const rows = [];
    for (const state of ['suppressed', 'suppressed and absent', 'pending', 'absent'] as const) {
      const { email } = await scene.newPerson(state.endsWith('absent') ? 'absent' : 'pending');
      if (state.startsWith('suppressed')) await suppress(email);
      const answer = await asking(strict, email);
      expect(answer.statusCode).toBe(200);
      answers.push(shown(answer));
      const { status, reason, account_id, sealed } = await newestMessage(scene.installation.db);
      rows.push({ status, reason, account_id, sealed });
    }
    expect(new Set(answers).size, answers.join('\n')).toBe(1);
    expect(rows).toEqual(
      rows.map(() => ({ status: 'queued', reason: null, account_id: null, sealed: null })),
    );
  });

  it('is compared by something that sees a difference', async () => {
    const { email } = await scene.newPerson('pending');
    const first = await resend(strict, email);
    const second = await resend(strict, email);
    expect(shown(first)).not.toBe(shown(second));
  });
});
