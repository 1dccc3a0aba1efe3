import type { WorkerConfig } from '@reconfirm/core/config/config';
import { smtpUrlOf } from '@reconfirm/core/config/provider-problems';
import { providers } from '@reconfirm/core/providers/registry';
import type { Logger } from '@reconfirm/process/logger';
import { createLogTransport } from './log.ts';
import { createSmtpTransport } from './smtp.ts';
import type { Transport } from './transport.ts';

/** With EMAIL_PROVIDER=none nothing is handed over; being asked to is a fault of ours. */
const noTransport: Transport = {
  name: 'none',
  send: () => Promise.reject(new Error('EMAIL_PROVIDER=none has no transport')),
  close: () => Promise.resolve(),
};

/** The transport that the configured provider is reached by. Throws when its settings cannot work. */
export const createTransport = (config: WorkerConfig, log: Logger): Transport => {
  switch (providers[config.EMAIL_PROVIDER].carriesMail) {
    case 'none':
      return noTransport;
    case 'log':
      return createLogTransport((line) => log.info(line, 'mail.logged'));
    case 'smtp':
      return createSmtpTransport({
        url: smtpUrl(config),
        tls: config.SMTP_TLS,
        maxConnections: config.SMTP_POOL_MAX,
        sendTimeoutMs: config.SEND_TIMEOUT_SECONDS * 1000,
      });
  }
};

const smtpUrl = (config: WorkerConfig): string => {
  const server = smtpUrlOf(config);
  if ('problems' in server) throw new Error(server.problems.join('; '));
  return server.url.reveal();
};
