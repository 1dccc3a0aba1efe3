import type { ContractName } from '@reconfirm/core/contract';
import { bearer, call } from '../../support/gotrue.ts';
import { adminKey, appOrigin, type Settings, type TestApi } from '../../support/installation.ts';
import { type Answer, newEmail, post, resend } from '../../support/requests.ts';
import { type DialectScene, openDialect } from './dialect-scene.ts';

/** Somebody whose verification is asked for; without an account there is no id. */
export interface Person {
  readonly email: string;
  readonly id: string;
  /** An access token, where the account may have one. */
  readonly token: string;
}

export type AccountState = 'absent' | 'pending' | 'active' | 'suspended';

/** "Send it again" as each contract has it: by anybody, by anybody, by the owner, by an administrator. */
export const ask: Record<ContractName, (api: TestApi, person: Person, from?: string) => Promise<Answer>> = {
  v1: (api, { email }, from) => resend(api, email, from === undefined ? {} : { from }),
  gotrue: (api, { email }, from) =>
    call(api, 'POST', '/resend', { type: 'signup', email }, from === undefined ? {} : { from }),
  singularity: (api, { token }, from) =>
    post(api, '/api/auth/email/verification/send', undefined, {
      headers: bearer(token),
      ...(from !== undefined && { from }),
    }),
  entryguard: (api, { id }, from) =>
    post(api, `/api/v1/users/${id}/invitation/resend`, undefined, {
      headers: bearer(adminKey),
      ...(from !== undefined && { from }),
    }),
};

/** The limit of one address, as each contract has it. */
export const addressLimits = (limit: string): Settings => ({
  RATE_LIMIT_ADDRESS: limit,
  GOTRUE_RATE_LIMIT_EMAIL: limit,
  SINGULARITY_RATE_LIMIT_ADDRESS: limit,
  ENTRYGUARD_RATE_LIMIT_ADDRESS: limit,
});

export interface AllContracts extends DialectScene {
  newPerson(state: AccountState, email?: string): Promise<Person>;
}

/** One installation that speaks every contract. */
export const openAllContracts = async (settings: Settings = {}): Promise<AllContracts> => {
  const scene = await openDialect('singularity', {
    CONTRACTS: 'v1,gotrue,singularity,entryguard',
    GOTRUE_SITE_URL: appOrigin,
    ...settings,
  });
  return {
    ...scene,
    newPerson: async (state, email = newEmail()) => {
      if (state === 'absent') return { email, id: '', token: '' };
      const { id } = await scene.access.createAccount({ status: state, email });
      return { email, id, token: state === 'suspended' ? '' : await scene.tokenFor(id) };
    },
  };
};
