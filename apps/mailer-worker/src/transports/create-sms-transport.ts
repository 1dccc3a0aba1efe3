import type { WorkerConfig } from '@reconfirm/core/config/config';
import { smsSettingsOf } from '@reconfirm/core/config/sms-problems';
import type { SmsProvider } from '@reconfirm/core/sms-providers/provider';
import { smsProviders } from '@reconfirm/core/sms-providers/registry';
import type { Logger } from '@reconfirm/process/logger';
import { createSmsHttpTransport } from './sms-http.ts';
import { createSmsLogTransport } from './sms-log.ts';
import type { SmsTransport } from './transport.ts';

/** With SMS_PROVIDER=none nothing is handed over; being asked to is a fault of ours. */
const noTransport: SmsTransport = {
  name: 'none',
  send: () => Promise.reject(new Error('SMS_PROVIDER=none has no transport')),
  close: () => Promise.resolve(),
};

/** The transport that the configured SMS provider is reached by. Connects to nothing yet. */
export const createSmsTransport = (config: WorkerConfig, log: Logger): SmsTransport => {
  const provider: SmsProvider = smsProviders[config.SMS_PROVIDER];
  if (provider.http !== undefined)
    return createSmsHttpTransport({
      name: provider.name,
      http: provider.http,
      settings: smsSettingsOf(config),
      timeoutMs: config.SMS_TIMEOUT_SECONDS * 1000,
      maxConnections: config.SMS_CONCURRENCY,
    });
  return provider.carriesSms === 'log'
    ? createSmsLogTransport((line) => log.info(line, 'sms.logged'))
    : noTransport;
};
