import { apiEnvironment, workerEnvironment } from '@reconfirm/local-stack';
import type { Settings } from '../../src/installation.ts';

/** What `npm start` says about SMS, to the API and to the worker, with the inbox at this port. */
export const smsSettings = (inboxPort: number): { readonly api: Settings; readonly worker: Settings } => {
  const ports = { api: 3000, inboxHttp: inboxPort, inboxSmtp: 0, workerOps: 0 };
  const secrets = { tokenKeys: '', addressHashKey: '', adminKey: '', sessionKeys: '' };
  const stores = { databaseUrl: '', redisUrl: undefined };
  const ofSms = (environment: Readonly<Record<string, string | undefined>>): Settings =>
    Object.fromEntries(
      Object.entries(environment).flatMap(([name, value]) =>
        name.startsWith('SMS_') && value !== undefined ? [[name, value]] : [],
      ),
    );
  return {
    api: ofSms(apiEnvironment({}, ports, secrets, stores)),
    worker: ofSms(workerEnvironment({}, ports, secrets, stores)),
  };
};
