export type SimulatedReply = { responseCode: number; message: string };

/**
 * The reply that a recipient's local part asks for, a `+tag` aside: `bounce` is refused for good, `defer`
 * for now and always, `greylist` for now and only the first time.
 */
export const createSimulatedFaults = (): ((recipient: string) => SimulatedReply | undefined) => {
  const greylisted = new Set<string>();
  return (recipient) => {
    const address = recipient.toLowerCase();
    const localPart = address.slice(0, address.lastIndexOf('@')).split('+')[0];
    if (localPart === 'bounce') return { responseCode: 550, message: '5.1.1 No such mailbox (simulated)' };
    if (localPart === 'defer') return { responseCode: 451, message: '4.7.1 Try again later (simulated)' };
    if (localPart !== 'greylist' || greylisted.has(address)) return undefined;
    greylisted.add(address);
    return { responseCode: 451, message: '4.7.1 Greylisted, try again (simulated)' };
  };
};
