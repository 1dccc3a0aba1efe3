/** A mail of a folder, as a server keeps it. */
export interface KeptMail {
  readonly raw: string;
  readonly seen: boolean;
}

/** A real IMAP server with one user, into whose inbox a test delivers. */
export interface MailboxServer extends AsyncDisposable {
  readonly port: number;
  deliver(raw: string, seen?: boolean): Promise<void>;
  /** What stands in a folder; nothing in one that does not exist. */
  mailsIn(folder: string): Promise<readonly KeptMail[]>;
}

export const mailboxUser = 'bounces';
export const mailboxPassword = 'secret-of-the-mailbox';

export const mailboxUrl = (port: number, password = mailboxPassword): string =>
  `imap://${mailboxUser}:${password}@127.0.0.1:${port}/INBOX`;
