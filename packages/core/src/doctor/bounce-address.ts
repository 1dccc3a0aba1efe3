import type { DnsView } from './dns-view.ts';
import { domainOf } from './domain.ts';
import { type Finding, found, ok } from './finding.ts';
import type { Sender } from './sender.ts';

/** What the server that takes the bounces said to a mail from the empty address, before any content. */
export type BounceProbe =
  | { readonly kind: 'accepted'; readonly host: string }
  /** A reply of the 500s to the recipient. */
  | { readonly kind: 'refused'; readonly host: string; readonly reply: string }
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'not_tried' };

/** Whether bounces come back to an address that is ours to keep, so that it can be tried. */
export const isBounceAddressOurs = (sender: Sender): boolean =>
  sender.bounceAddress !== undefined &&
  sender.service?.takesBounces !== true &&
  sender.provider !== 'none' &&
  sender.provider !== 'log';

/** Servers to try, best first (RFC 5321, 5.1): the exchanges, or the domain itself where there is none. */
export const bounceHosts = (sender: Sender, dns: DnsView): readonly string[] => {
  const domain = domainOf(sender.bounceAddress ?? '');
  const answer = dns.exchanges(domain);
  if (answer.kind !== 'found') return answer.kind === 'missing' ? [domain] : [];
  return answer.values
    .toSorted((one, other) => one.preference - other.preference)
    .map(({ exchange }) => exchange)
    .filter((exchange) => exchange !== '');
};

/** Examines that bounces, which come from the empty address (RFC 5321, 4.5.5), are taken. */
export const checkBounceAddress = (sender: Sender, probe: BounceProbe): Finding => {
  if (!isBounceAddressOurs(sender))
    return ok(
      'bounce_address',
      sender.service?.takesBounces === true
        ? `${sender.service.title} takes the bounces and reports them`
        : 'Nothing is sent, so nothing bounces',
    );
  const address = sender.bounceAddress ?? '';
  const why =
    'A bounce that nobody takes is lost: a dead address is mailed again and again, and your reputation sinks.';
  switch (probe.kind) {
    case 'accepted':
      return ok('bounce_address', `${probe.host} takes bounces for ${address}`);
    case 'refused':
      return found('bounce_address', 'error', {
        what: `${probe.host} refuses bounces for ${address}: ${probe.reply}`,
        why,
        doThis: 'Make that mailbox, or write from an address that has one.',
      });
    case 'unreachable':
    case 'not_tried':
      return found('bounce_address', 'unknown', {
        what: `Whether bounces for ${address} are taken could not be tried${probe.kind === 'unreachable' ? `: ${probe.reason}` : ''}`,
        why,
        doThis: 'Send it a mail from outside. Many networks close port 25; then run this where it is open.',
      });
  }
};
