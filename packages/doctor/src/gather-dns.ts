import { bounceHosts, isBounceAddressOurs } from '@reconfirm/core/doctor/bounce-address';
import {
  createDnsView,
  type DnsAnswer,
  type DnsAnswers,
  type DnsQuestion,
  type MailExchange,
} from '@reconfirm/core/doctor/dns-view';
import { judgeDns } from '@reconfirm/core/doctor/report';
import type { Sender } from '@reconfirm/core/doctor/sender';
import type { DnsReader } from './dns-reader.ts';
import { inTurns } from './in-turns.ts';

/** Far above what a set-up needs (about 30): a record made to keep us busy ends here. */
const questionsMax = 150;
const atOnce = 8;

/** Lets the rules ask until they know enough, or time or questions run out; what is open then stays unknown. */
export const gatherDns = async (
  sender: Sender,
  reader: DnsReader,
  signal: AbortSignal,
): Promise<DnsAnswers> => {
  const texts = new Map<string, DnsAnswer<string>>();
  const exchanges = new Map<string, DnsAnswer<MailExchange>>();
  const addresses = new Map<string, DnsAnswer<string>>();
  const answers: DnsAnswers = { texts, exchanges, addresses };

  const answer = async ({ type, name }: DnsQuestion): Promise<void> => {
    switch (type) {
      case 'TXT':
        texts.set(name, await reader.texts(name));
        return;
      case 'MX':
        exchanges.set(name, await reader.exchanges(name));
        return;
      case 'address':
        addresses.set(name, await reader.addresses(name));
        return;
    }
  };

  for (let asked = 0; asked < questionsMax && !signal.aborted;) {
    const open = openQuestions(sender, answers).slice(0, questionsMax - asked);
    if (open.length === 0) break;
    asked += open.length;
    await inTurns(open, atOnce, answer);
  }
  return answers;
};

const openQuestions = (sender: Sender, answers: DnsAnswers): readonly DnsQuestion[] => {
  const view = createDnsView(answers);
  judgeDns(sender, view);
  if (isBounceAddressOurs(sender)) for (const host of bounceHosts(sender, view)) view.addresses(host);
  return view.open();
};
