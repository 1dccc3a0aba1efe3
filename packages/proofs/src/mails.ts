import type { ReadMessage, RunningInbox } from '@reconfirm/local-stack';

/** The first mail to the address that is not the one given before; fails after 20 s. */
export const nextMail = async (
  inbox: RunningInbox,
  to: string,
  after?: ReadMessage,
): Promise<ReadMessage> => {
  const mail = await inbox.next({ to, after: after?.id, timeoutMs: 20_000 });
  if (mail === undefined) throw new Error(`No mail to ${to} came within 20 s`);
  return mail;
};

/** The one link that confirms, in HTML and text alike; the other one with a token disowns. */
export const linkOf = (mail: ReadMessage): URL => {
  const links = mail.links.filter((link) => {
    const { pathname, searchParams } = new URL(link);
    return searchParams.has('token') && pathname !== '/v1/not-me';
  });
  const [link] = links;
  if (link === undefined || links.length > 1)
    throw new Error(`The mail has ${links.length} links that confirm`);
  return new URL(link);
};

export const tokenOf = (mail: ReadMessage): string => linkOf(mail).searchParams.get('token') ?? '';

/** How many mails each address got. */
export const countByRecipient = async (inbox: RunningInbox): Promise<ReadonlyMap<string, number>> => {
  const counts = new Map<string, number>();
  for (const { envelope } of await inbox.messages()) {
    for (const to of envelope.to) counts.set(to, (counts.get(to) ?? 0) + 1);
  }
  return counts;
};

/** The mails that each address got, whole, in order of arrival. */
export const mailsByRecipient = async (
  inbox: RunningInbox,
): Promise<ReadonlyMap<string, readonly ReadMessage[]>> => {
  const summaries = await inbox.messages();
  const mails = await Promise.all(summaries.map(({ id }) => inbox.message(id)));
  return Map.groupBy(
    mails.filter((mail) => mail !== undefined),
    ({ envelope }) => envelope.to[0] ?? '',
  );
};
