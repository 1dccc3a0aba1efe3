import { createHmac } from 'node:crypto';

/** The key of the application's server, as CLIENT_ADDRESS_KEYS has it in tests. */
export const keyOfServer = 'key-of-the-application-server-0123456789';

/** The header by which a server names a person, as such a server makes it. */
export const signedAddress = (
  address: string,
  { secondsAgo = 0, key = keyOfServer } = {},
): Record<string, string> => {
  const seconds = Math.floor(Date.now() / 1000) - secondsAgo;
  const v1 = createHmac('sha256', key).update(`${seconds}.${address}`).digest('hex');
  return { 'reconfirm-client-address': `t=${seconds},a=${address},v1=${v1}` };
};
