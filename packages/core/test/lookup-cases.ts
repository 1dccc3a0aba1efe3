import { readdirSync, readFileSync } from 'node:fs';
import {
  judgeLookUp,
  type LookUpAnswer,
  type LookUpSettings,
  type LookUpStep,
  type LookUpVerdict,
  type ProviderLookUp,
} from '../src/providers/look-up.ts';
import type { DeliveryEvent } from '../src/delivery-event.ts';
import { providers } from '../src/providers/registry.ts';
import { Secret } from '../src/secret.ts';
import { smsProviders } from '../src/sms-providers/registry.ts';

/** What a provider answers to the questions about one message, as its page has it, and what has to come of it. */
export interface LookupFixture {
  readonly describes: string;
  readonly providerMessageId?: string;
  readonly answers: readonly { readonly path: string; readonly status: number; readonly body: unknown }[];
  /** Null: it cannot be asked. */
  readonly expected: readonly Record<string, unknown>[] | null;
}

const folder = new URL('fixtures/lookups/', import.meta.url);

export const lookupFixturesOf = (name: string): readonly (readonly [string, LookupFixture])[] =>
  readdirSync(new URL(`${name}/`, folder))
    .toSorted()
    .map((file) => [
      file,
      JSON.parse(readFileSync(new URL(`${name}/${file}`, folder), 'utf8')) as LookupFixture,
    ]);

/** Which page each fixture was made after, with our own addresses and ids in place of the page's. */
export const lookupSources = JSON.parse(
  readFileSync(new URL('fixtures/lookup-sources.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

export const askedId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';
export const askedKey = 'key-that-is-nowhere-but-in-a-header';
const accountIds: Readonly<Record<string, string>> = {
  mailgun: 'mail.example.com',
  twilio: `AC${'0'.repeat(31)}1`,
};

export const settingsFor = (name: string, apiUrl = 'https://api.example.com'): LookUpSettings => ({
  apiUrl,
  accountId: accountIds[name] ?? '',
  key: new Secret(askedKey),
});

export const askedAbout = (providerMessageId?: string) => ({
  messageId: askedId,
  messageIdHeader: `<${askedId}@mail.example.com>`,
  providerMessageId,
  now: new Date('2026-11-18T00:00:00.000Z'),
});

export interface LookupCase {
  readonly name: string;
  readonly lookUp: ProviderLookUp;
}

interface Named {
  readonly name: string;
  readonly capabilities: { readonly lookup: boolean };
  readonly lookUp?: ProviderLookUp;
}

export const allProviders: readonly Named[] = [...Object.values(providers), ...Object.values(smsProviders)];

/** Every provider that says that it can be asked. */
export const lookupCases: readonly LookupCase[] = allProviders.flatMap(({ name, capabilities, lookUp }) =>
  capabilities.lookup && lookUp !== undefined ? [{ name, lookUp }] : [],
);

export const answerOf = (
  status: number,
  body: unknown,
  headers: LookUpAnswer['headers'] = {},
): LookUpAnswer => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

interface Walk {
  readonly steps: readonly LookUpStep[];
  readonly events: readonly DeliveryEvent[];
  readonly end: LookUpVerdict;
}

/** Asks as the worker does, with the answers of a fixture. Null when it cannot be asked. */
export const walk = ({ name, lookUp }: LookupCase, fixture: LookupFixture): Walk | null => {
  const steps: LookUpStep[] = [];
  const events: DeliveryEvent[] = [];
  let step = lookUp.ask(askedAbout(fixture.providerMessageId), settingsFor(name)) ?? undefined;
  let end: LookUpVerdict = { kind: 'answered', events: [] };
  if (step === undefined) return null;
  for (const { status, body } of fixture.answers) {
    if (step === undefined) throw new Error(`${name} asks less often than it is answered`);
    steps.push(step);
    end = judgeLookUp(step, answerOf(status, body));
    if (end.kind !== 'answered') break;
    events.push(...end.events);
    step = end.next;
  }
  return { steps: step === undefined ? steps : [...steps, step], events, end };
};
