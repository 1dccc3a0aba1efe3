import type { MailParts } from '@reconfirm/core/reports/report';
import PostalMime from 'postal-mime';

/** A report has three parts. */
const nestingMax = 8;

/**
 * Splits a raw mail into its headers and leaves; undefined when it cannot be split at all. The mail that a
 * report is about stays one part and is not looked into.
 */
export const splitMail = async (raw: Uint8Array): Promise<MailParts | undefined> => {
  try {
    const mail = await PostalMime.parse(raw, { forceRfc822Attachments: true, maxNestingDepth: nestingMax });
    return {
      headers: mail.headers.map(({ key, value }) => ({ name: key, value })),
      parts: mail.attachments.map(({ mimeType, content }) => ({ type: mimeType, content: bytesOf(content) })),
    };
  } catch {
    // Its limits are the parser's only reason to throw; what is beyond them is no report.
    return undefined;
  }
};

const bytesOf = (content: ArrayBuffer | Uint8Array | string): Uint8Array =>
  typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content);
