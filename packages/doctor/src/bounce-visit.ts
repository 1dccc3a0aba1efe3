import { type BounceProbe, bounceHosts, isBounceAddressOurs } from '@reconfirm/core/doctor/bounce-address';
import { createDnsView, type DnsAnswers } from '@reconfirm/core/doctor/dns-view';
import { domainOf } from '@reconfirm/core/doctor/domain';
import type { Sender } from '@reconfirm/core/doctor/sender';
import { isPublicAddress } from '@reconfirm/core/public-address';
import { scrubReply } from '@reconfirm/core/reply-text';
import { codeOf, type Conversation, converse, ehlo, openTcp, type Reply } from './conversation.ts';

/** Where a public address is reached; tests lead it to a server of theirs. */
export type Route = (address: string) => { readonly host: string; readonly port: number };

const toPort25: Route = (address) => ({ host: address, port: 25 });
const hostsMax = 2;
/** Networks that close port 25 mostly drop what goes there, and the rest of the report should not wait for that. */
const visitTimeoutMs = 4000;

/**
 * Offers the server of the bounce address a mail from nobody, as a bounce is, and leaves before its
 * content. Only public addresses are connected to: an MX record is not allowed to point into a network.
 */
export const visitBounceAddress = async (
  sender: Sender,
  answers: DnsAnswers,
  ended: AbortSignal,
  route: Route = toPort25,
): Promise<BounceProbe> => {
  const signal = AbortSignal.any([ended, AbortSignal.timeout(visitTimeoutMs)]);
  const local = (sender.bounceAddress ?? '').replace(/@[^@]*$/, '');
  if (!isBounceAddressOurs(sender) || !/^[!-~]+$/.test(local)) return { kind: 'not_tried' };
  const view = createDnsView(answers);
  const recipient = `${local}@${domainOf(sender.bounceAddress ?? '')}`;
  let result: BounceProbe = { kind: 'unreachable', reason: 'its server has no address' };
  for (const host of bounceHosts(sender, view).slice(0, hostsMax)) {
    const found = view.addresses(host);
    const address = found.kind === 'found' ? found.values.find(isPublicAddress) : undefined;
    if (address === undefined) continue;
    result = await offer(host, route(address), recipient, signal);
    if (result.kind !== 'unreachable') break;
  }
  return result;
};

const offer = async (
  host: string,
  at: ReturnType<Route>,
  recipient: string,
  signal: AbortSignal,
): Promise<BounceProbe> => {
  let conversation: Conversation | undefined;
  try {
    conversation = converse(await openTcp(at.host, at.port, signal), signal);
    const steps = [ehlo(), 'MAIL FROM:<>'];
    let reply = await conversation.reply();
    for (const step of steps) {
      if (reply.code >= 300) break;
      reply = await conversation.say(step);
    }
    if (reply.code >= 300) return { kind: 'unreachable', reason: `${host} said ${textOf(reply)}` };
    return judgeReply(host, await conversation.say(`RCPT TO:<${recipient}>`));
  } catch (error) {
    return { kind: 'unreachable', reason: `${host}: ${codeOf(error)}` };
  } finally {
    conversation?.close();
  }
};

const textOf = ({ code, lines }: Reply): string => scrubReply(`${code} ${lines.join(' ')}`, []);

/** RFC 3463: 5.1 and 5.2 are about the address. 5.7 is about us: a block list, not a missing mailbox. */
const judgeReply = (host: string, reply: Reply): BounceProbe => {
  if (reply.code < 300) return { kind: 'accepted', host };
  const status = /^\d\.(\d)\.\d/.exec(reply.lines[0] ?? '')?.[1];
  const isAboutAddress =
    status === undefined ? [550, 551, 553].includes(reply.code) : status === '1' || status === '2';
  return reply.code >= 500 && isAboutAddress
    ? { kind: 'refused', host, reply: textOf(reply) }
    : { kind: 'unreachable', reason: `${host} said ${textOf(reply)}` };
};
