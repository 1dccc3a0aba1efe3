import type { SimulatedReport } from './simulated-reports.ts';

export type SimulatedReply = { responseCode: number; message: string };

/** What a recipient plays: a refusal at once, or reports that follow the mail. */
export type SimulatedPart =
  | { readonly kind: 'refuse'; readonly reply: SimulatedReply }
  | { readonly kind: 'report'; readonly reports: readonly SimulatedReport[] }
  | { readonly kind: 'take' };

/** Addresses at this domain play a part and nothing else (RFC 6761: `.test` is nobody's). */
const SIMULATOR_DOMAIN = 'simulator.reconfirm.test';

const noMailbox = { responseCode: 550, message: '5.1.1 No such mailbox (simulated)' };
const tryLater = { responseCode: 451, message: '4.7.1 Try again later (simulated)' };

const atSimulator: Readonly<Record<string, readonly SimulatedReport[]>> = {
  deliver: ['delivered'],
  'late-bounce': ['bounced'],
  complaint: ['delivered', 'complained'],
  reject: ['rejected'],
  silent: [],
};

const names = ['bounce', 'defer', 'greylist', ...Object.keys(atSimulator)];
const unknownName = { responseCode: 550, message: `5.1.1 The simulator knows ${names.join(', ')}` };
const nobodyToTell = {
  responseCode: 550,
  message: '5.3.5 This inbox reports to no API (INBOX_WEBHOOK_URL), so it cannot play this part',
};

/**
 * The part that a recipient's local part asks for, a `+tag` aside. At any domain `bounce` is refused for good,
 * `defer` for now and always, `greylist` for now and only the first time. The simulator's own domain has more.
 */
export const createSimulatedRecipients = (reports: boolean): ((recipient: string) => SimulatedPart) => {
  const greylisted = new Set<string>();
  return (recipient) => {
    const address = recipient.toLowerCase();
    const at = address.lastIndexOf('@');
    const localPart = address.slice(0, at).split('+')[0] ?? '';
    if (localPart === 'bounce') return { kind: 'refuse', reply: noMailbox };
    if (localPart === 'defer') return { kind: 'refuse', reply: tryLater };
    if (localPart === 'greylist' && !greylisted.has(address)) {
      greylisted.add(address);
      const reply = { responseCode: 451, message: '4.7.1 Greylisted, try again (simulated)' };
      return { kind: 'refuse', reply };
    }
    if (localPart === 'greylist' || address.slice(at + 1) !== SIMULATOR_DOMAIN) return { kind: 'take' };
    const wanted = Object.hasOwn(atSimulator, localPart) ? atSimulator[localPart] : undefined;
    if (wanted === undefined) return { kind: 'refuse', reply: unknownName };
    return wanted.length > 0 && !reports
      ? { kind: 'refuse', reply: nobodyToTell }
      : { kind: 'report', reports: wanted };
  };
};
