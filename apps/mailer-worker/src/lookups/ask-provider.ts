import { createHash } from 'node:crypto';
import type { DeliveryEvent } from '@reconfirm/core/delivery-event';
import {
  judgeLookUp,
  type LookUpAnswer,
  type LookUpRequest,
  type LookUpStep,
  lookUpStepsMax,
  type LookUpVerdict,
} from '@reconfirm/core/providers/look-up';
import { Agent, request } from 'undici';

/** Name look-up, connection, TLS and the whole answer of one question. */
const deadlineMs = 10_000;
/** Some providers answer with the whole mail, of which ours have about 60 KiB, three times over. */
const answerSizeBytesMax = 1024 * 1024;

/** A report as it was found, and the hash of the answer that it stood in. */
export interface FoundReport {
  readonly event: DeliveryEvent;
  readonly bodyHash: Uint8Array;
}

export type Asked =
  | { readonly kind: 'answered'; readonly reports: readonly FoundReport[] }
  | Exclude<LookUpVerdict, { readonly kind: 'answered' }>
  /** The process stops. */
  | { readonly kind: 'stopped' };

export interface AskProvider {
  /** Asks all that belongs to one message. Never rejects for what a provider does. */
  ask(first: LookUpStep, signal: AbortSignal): Promise<Asked>;
  close(): Promise<void>;
}

/**
 * Asks providers by HTTP: a deadline for each question, an answer of bounded size, no redirect, certificates
 * checked. Neither requests nor answers are logged: they hold a key, and mails with their links.
 */
export const createAskProvider = (options: { readonly trustedCertificates?: string } = {}): AskProvider => {
  const agent = new Agent({
    connections: 2,
    pipelining: 0,
    keepAliveTimeout: 5000,
    connect: {
      timeout: deadlineMs,
      ...(options.trustedCertificates !== undefined && { ca: options.trustedCertificates }),
    },
    headersTimeout: deadlineMs,
    bodyTimeout: deadlineMs,
  });

  const exchange = async (
    { url, headers }: LookUpRequest,
    signal: AbortSignal,
  ): Promise<LookUpAnswer | null> => {
    const stop = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
    try {
      const response = await request(url, { method: 'GET', headers, dispatcher: agent, signal: stop });
      return {
        status: response.statusCode,
        headers: Object.fromEntries(
          Object.entries(response.headers).map(([name, value]) => [
            name.toLowerCase(),
            Array.isArray(value) ? value[0] : value,
          ]),
        ),
        body: await readBody(response.body),
      };
    } catch {
      // Not reached, cut off or too slow: for a question these are the same, and it is asked again.
      return null;
    }
  };

  const ask: AskProvider['ask'] = async (first, signal) => {
    const reports: FoundReport[] = [];
    let step: LookUpStep | undefined = first;
    for (let count = 0; step !== undefined && count < lookUpStepsMax; count += 1) {
      const answer = await exchange(step.request, signal);
      if (signal.aborted) return { kind: 'stopped' };
      if (answer === null) return { kind: 'unavailable' };
      const verdict = judgeLookUp(step, answer);
      if (verdict.kind !== 'answered') return verdict;
      const bodyHash = createHash('sha256').update(answer.body).digest();
      reports.push(...verdict.events.map((event) => ({ event, bodyHash })));
      step = verdict.next;
    }
    return { kind: 'answered', reports };
  };

  return { ask, close: () => agent.destroy() };
};

/** What was read when the bound was reached is no JSON, so its answer is not understood. */
const readBody = async (body: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<string> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > answerSizeBytesMax) break;
  }
  body.destroy();
  return Buffer.concat(chunks).toString('utf8', 0, answerSizeBytesMax);
};
