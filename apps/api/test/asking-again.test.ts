import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from './support/hand-over.ts';
import { type Installation, openInstallation } from './support/installation.ts';
import { get, register, resend } from './support/requests.ts';

describe('asking again, by PURPOSE_LIVE_TOKENS newest | newest-2 | newest-3 | until-handed-over', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  it.each<[policy: string, accepted: boolean[], handedOver: boolean[]]>([
    ['newest', [false, false], [false, false, true]],
    ['newest-2', [false, true], [false, true, true]],
    ['newest-3', [true, true], [true, true, true]],
    ['until-handed-over', [false, true], [false, false, true]],
  ])(
    '%s: of two links work %j once a third mail is accepted, and %j of three once it is handed over',
    async (policy, accepted, handedOver) => {
      const api = await installation.startApi({
        PURPOSE_LIVE_TOKENS: `signup=${policy}`,
        RATE_LIMIT_ADDRESS: 'off',
      });
      const tokens: string[] = [];
      const mail = async () => tokens.push((await handOverNewest(installation.db, api.config)).token);
      const live = async (): Promise<readonly boolean[]> => {
        const answers = await Promise.all(
          tokens.map((token) => get(api, `/v1/verify-email/check?token=${token}`)),
        );
        return answers.map((answer) => answer.json<{ valid: boolean }>().valid);
      };
      const { email } = await register(api);
      await mail();
      await resend(api, email);
      await mail();
      await resend(api, email);
      expect(await live()).toEqual(accepted);
      await mail();
      expect(await live()).toEqual(handedOver);
    },
  );
});
