import { isIP } from 'node:net';
import { findProvider } from '../providers/registry.ts';
import { hostOf, isPublicAddress } from '../public-address.ts';
import { isLoopbackHost } from '../redirect.ts';
import { type Finding, found, ok } from './finding.ts';
import type { Sender } from './sender.ts';

const why =
  'Without its reports SENT is the last that is known of a message: bounces and complaints go unseen, and dead addresses are mailed again.';

/** Examines that the provider's reports can come in. `isApi`: the settings are those of the API, so what is missing is missing. */
export const checkWebhook = (sender: Sender, isApi: boolean): readonly Finding[] => {
  const { webhook, service, serviceName } = sender;
  if (webhook === undefined) {
    if (
      sender.provider === 'smtp' &&
      serviceName !== undefined &&
      findProvider(serviceName)?.webhook !== undefined
    )
      return [
        found('webhook', 'warning', {
          what: `Mail goes to ${service?.title ?? serviceName} as to any SMTP server`,
          why,
          doThis: `Set EMAIL_PROVIDER=${serviceName} for the API and the workers, and the key of its webhooks.`,
        }),
      ];
    return [ok('webhook', 'This provider sends no webhooks that could be set up')];
  }
  const findings = [...keyFindings(webhook, isApi), ...addressFindings(sender, webhook.path)];
  return findings.length > 0
    ? findings
    : [
        ok(
          'webhook',
          `Reports are verified by ${webhook.setting}; they belong to ${sender.publicUrl ?? ''}${webhook.path}`,
        ),
      ];
};

const keyFindings = (webhook: NonNullable<Sender['webhook']>, isApi: boolean): readonly Finding[] =>
  webhook.keyIsSet
    ? []
    : [
        found('webhook', isApi ? 'error' : 'unknown', {
          what: isApi
            ? `${webhook.setting} is not set`
            : `${webhook.setting} is not set here; the API needs it`,
          why: `Every webhook is refused. ${why}`,
          doThis: isApi
            ? 'Take the signing key from the provider’s pages and set it for the API.'
            : 'Ask the API itself: GET /v1/admin/doctor.',
        }),
      ];

const addressFindings = ({ publicUrl }: Sender, path: string): readonly Finding[] => {
  if (publicUrl === undefined || !URL.canParse(publicUrl)) return [];
  const url = new URL(publicUrl);
  const host = hostOf(url);
  const isReachable = !isLoopbackHost(url.hostname) && (isIP(host) === 0 || isPublicAddress(host));
  if (isReachable && url.protocol === 'https:') return [];
  return [
    found('webhook', 'error', {
      what: isReachable
        ? `Webhooks would come unencrypted: PUBLIC_URL is ${publicUrl}`
        : `The provider cannot reach ${publicUrl}${path}`,
      why,
      doThis: 'Set PUBLIC_URL to the https:// address at which the internet reaches the API.',
    }),
  ];
};
