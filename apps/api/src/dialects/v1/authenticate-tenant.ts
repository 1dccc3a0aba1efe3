import type { AccountDetails } from '@reconfirm/db/accounts';
import { readApiKey } from '../../api-key.ts';
import { bearerToken } from '@reconfirm/process/bearer-token';
import { ProblemError } from '../../problem.ts';
import type { V1Dependencies } from './dependencies.ts';

/** The tenant whose API key stands in the Authorization header, or a 401. */
export const authenticateTenant = async (
  deps: Pick<V1Dependencies, 'findByApiKey'>,
  authorization: string | undefined,
): Promise<AccountDetails> => {
  const key = readApiKey(bearerToken(authorization) ?? '');
  const account = key === undefined ? undefined : await deps.findByApiKey(key.id, key.secretHash);
  if (account === undefined)
    throw new ProblemError('UNAUTHORIZED', { headers: { 'www-authenticate': 'Bearer' } });
  return account;
};
