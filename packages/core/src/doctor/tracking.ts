import { findProvider } from '../providers/registry.ts';
import { type Finding, found, ok } from './finding.ts';
import type { Sender } from './sender.ts';

/** Stands for any message's id. */
const anyId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';

/** Examines that nobody on the way rewrites the links of our mails. */
export const checkTracking = (sender: Sender): Finding => {
  const { service } = sender;
  if (service === undefined)
    return ok('tracking', 'No service that rewrites links is known to be on the way');
  if (service.trackingOff === undefined)
    return ok('tracking', `${service.title} rewrites links only where its own settings turn tracking on`);
  const headers = findProvider(sender.provider)?.metadataHeaders(anyId, {}) ?? {};
  const missing = Object.entries(service.trackingOff).filter(([name, off]) => !off.test(headers[name] ?? ''));
  if (missing.length === 0)
    return ok('tracking', `Every mail tells ${service.title} not to rewrite its links`);
  return found('tracking', 'warning', {
    what: `Mails do not tell ${service.title} to leave their links alone (${missing.map(([name]) => name).join(', ')})`,
    why: 'A rewritten link leads through a foreign host: the token passes there, browsers and mail programs warn of it, and scanners follow it.',
    doThis: `Turn click and open tracking off for this domain in ${service.title}${
      sender.provider === 'smtp' ? `, or set EMAIL_PROVIDER=${sender.serviceName ?? ''}` : ''
    }.`,
  });
};
