import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from './json-api.ts';
import type { MessageStore } from './message-store.ts';

/** Far more than an SMS, and little enough to hold in memory. */
const BODY_BYTES_MAX = 16 * 1024;

type Sms = { id: string; to: string; from: string; text: string };

const readBody = async (request: IncomingMessage): Promise<string | undefined> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const parseSms = (body: string): Sms | undefined => {
  let value: Partial<Record<keyof Sms, unknown>> | null;
  try {
    value = JSON.parse(body) as typeof value;
  } catch {
    return undefined;
  }
  const { id, to, from = '', text } = value ?? {};
  const isComplete =
    typeof id === 'string' && typeof to === 'string' && typeof from === 'string' && typeof text === 'string';
  return isComplete && /^\+\d{7,15}$/.test(to) ? { id, to, from, text } : undefined;
};

/**
 * Takes an SMS as the gateway that SMS_PROVIDER=http speaks to, and keeps it. The same id again is the same
 * message. The last digits of a number play a fault: 0001 is refused for good, 0002 for now, 0003 is kept
 * without an answer.
 */
export const takeSms = async (
  store: MessageStore,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const body = await readBody(request);
  const sms = body === undefined ? undefined : parseSms(body);
  if (sms === undefined) return sendJson(response, 400, { code: 'message_refused' });
  if (sms.to.endsWith('0001')) return sendJson(response, 400, { code: 'number_invalid' });
  if (sms.to.endsWith('0002')) return sendJson(response, 503, { code: 'unavailable' });
  const id = await keepOnce(store, sms);
  if (sms.to.endsWith('0003')) response.destroy();
  else sendJson(response, 200, { id });
};

/** As many as the inbox keeps messages. */
const IDS_MAX = 1000;
const kept = new WeakMap<MessageStore, Map<string, Promise<string>>>();

const keepOnce = (store: MessageStore, { id, to, from, text }: Sms): Promise<string> => {
  const known = kept.get(store) ?? new Map<string, Promise<string>>();
  kept.set(store, known);
  const earlier = known.get(id);
  if (earlier !== undefined) return earlier;
  const keeping = store.add({ from, to: [to] }, Buffer.from(text), 'sms').then((stored) => stored.id);
  known.set(id, keeping);
  const [oldest] = known.keys();
  if (known.size > IDS_MAX && oldest !== undefined) known.delete(oldest);
  return keeping;
};
