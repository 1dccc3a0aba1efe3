import type { ReceivedMail } from '../smtp-inbox.ts';

/** The link that a person would follow out of a mail. */
export const linkIn = (mail: ReceivedMail | undefined): URL => {
  const link = /https?:\/\/\S*[?&]token=[0-9a-f]{64}/.exec(mail?.email.text ?? '')?.[0];
  if (link === undefined) throw new Error('the mail carries no link');
  return new URL(link);
};

export const tokenIn = (mail: ReceivedMail | undefined): string =>
  linkIn(mail).searchParams.get('token') ?? '';
