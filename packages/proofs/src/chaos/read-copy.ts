/** One mail that reached the recipient's server, as far as a check needs it. */
export interface Copy {
  /** Of our row: the local part of the Message-ID. */
  readonly messageId: string;
  readonly messageIdHeader: string;
  readonly to: string;
  /** Of the link that confirms. */
  readonly token: string;
  readonly arrivedAt: number;
}

/**
 * Reads what our own mails hold; throws on a mail that is none of ours. `mail` is as it came over the wire, dot-stuffed,
 * one character a byte.
 */
export const readCopy = (mail: string, to: string): Copy => {
  const header = /^Message-ID: *(?:\r\n )?(<([^@>]+)@[^>]+>)/im.exec(mail);
  // Soft line breaks and the equals sign are all that quoted-printable (RFC 2045, 6.7) does to a link.
  const text = mail.replaceAll('=\r\n', '').replaceAll('=3D', '=');
  const token = /\/v1\/verify-email\?token=([0-9a-f]{64})(?![0-9a-f])/.exec(text)?.[1];
  if (header?.[1] === undefined || header[2] === undefined || token === undefined)
    throw new Error(`A mail came to ${to} without ${token === undefined ? 'a link' : 'a Message-ID'}`);
  return { messageIdHeader: header[1], messageId: header[2], to, token, arrivedAt: performance.now() };
};
