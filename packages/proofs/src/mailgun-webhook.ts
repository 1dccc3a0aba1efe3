import { createHmac, randomBytes } from 'node:crypto';
import type { ReadMessage } from '@reconfirm/local-stack';
import type { Answer, Question } from './http-client.ts';
import { webhookKey } from './installation.ts';

/** What Mailgun knows of a mail: the Message-ID, and the variables that came with it. */
export const variablesOf = (mail: ReadMessage): { readonly mid: string } =>
  JSON.parse(headerOf(mail, 'x-mailgun-variables')) as { mid: string };

export const headerOf = (mail: ReadMessage, name: string): string => {
  const found = mail.headers.filter((header) => header.name === name);
  const [header] = found;
  if (header === undefined || found.length > 1)
    throw new Error(`The mail has ${found.length} headers ${name}`);
  return header.value;
};

interface Asking {
  readonly ask: (method: string, path: string, question: Question) => Promise<Answer>;
}

/** Reports an event of a mail as Mailgun does (webhooks v3), signed with the key given; `more` is part of the event. */
export const reportEvent = (
  client: Asking,
  event: string,
  mail: ReadMessage,
  key = webhookKey,
  more: object = {},
): Promise<Answer> => postReport(client, makeReport(event, mail, key, more));

/** The same report again is the same request, as a provider repeats one that was not answered. */
export const postReport = (client: Asking, report: unknown): Promise<Answer> =>
  client.ask('POST', '/v1/mailgun/webhook', { json: report });

export const makeReport = (
  event: string,
  mail: ReadMessage,
  key = webhookKey,
  more: object = {},
): unknown => {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const token = randomBytes(25).toString('hex');
  return {
    signature: {
      timestamp,
      token,
      signature: createHmac('sha256', key)
        .update(timestamp + token)
        .digest('hex'),
    },
    'event-data': {
      event,
      id: randomBytes(12).toString('base64url'),
      timestamp: Number(timestamp),
      recipient: mail.envelope.to[0],
      message: { headers: { 'message-id': headerOf(mail, 'message-id').replace(/^<|>$/g, '') } },
      'user-variables': variablesOf(mail),
      ...more,
    },
  };
};
