import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { ProviderWebhook, WebhookRequest, WebhookVerdict } from '../src/providers/provider.ts';
import { findProvider } from '../src/providers/registry.ts';
import { Secret } from '../src/secret.ts';

/** A report as its provider documents it, and what it has to come out as. */
export interface Fixture {
  readonly describes: string;
  readonly contentType: string;
  readonly body: Record<string, unknown>;
  readonly expected: readonly Record<string, unknown>[];
}

export interface Signed {
  readonly key: string;
  readonly atSeconds: number;
  readonly token: string;
}

export type SignatureFields = Readonly<Record<string, string>>;

/** How a provider signs: what a new provider with a webhook has to bring to the tests. */
interface Signing {
  /** The fields that authenticate a request, for a key, a time and a token. */
  readonly fields: (signed: Signed) => SignatureFields;
  /** The request that carries a report with these fields, right or wrong. */
  readonly request: (fixture: Fixture, fields: SignatureFields) => WebhookRequest;
  /** The id under which a report without one of its own is known. */
  readonly eventIdOfToken: string;
}

export const now = new Date('2026-11-18T00:00:10Z');
export const key = 'key-0123456789abcdef0123456789abcdef';
export const settings = { signingKeys: [new Secret(key)], maxAgeSeconds: 300 };
/** The second that the fixtures of flat reports expect: their only time is the signature's. */
export const signedAtSeconds = 1_794_960_000;
export const token = 'f0e1d2c3b4a5968778695a4b3c2d1e0f0123456789abcdef01';

export const requestOf = (contentType: string, body: string | Uint8Array): WebhookRequest => ({
  rawBody: typeof body === 'string' ? Buffer.from(body) : body,
  contentType,
  headers: {},
  url: 'https://verify.example.com/',
  now,
});

export const reasonOf = (verdict: WebhookVerdict): string => (verdict.ok ? 'ok' : verdict.reason);

const mailgun: Signing = {
  fields: (signed) => {
    const timestamp = String(signed.atSeconds);
    const mac = createHmac('sha256', signed.key).update(timestamp + signed.token);
    return { timestamp, token: signed.token, signature: mac.digest('hex') };
  },
  request: (fixture, fields) => {
    const isV3 = Object.hasOwn(fixture.body, 'event-data');
    const body = isV3 ? { signature: fields, ...fixture.body } : { ...fixture.body, ...fields };
    const isForm = fixture.contentType.includes('form');
    const text = isForm
      ? new URLSearchParams(body as Record<string, string>).toString()
      : JSON.stringify(body);
    return requestOf(fixture.contentType, text);
  },
  // The first 40 digits of: printf %s "$token" | sha256sum
  eventIdOfToken: 'token-785d2a2be9736a180833f382f85a17ee6fd75056',
};

const signings: Readonly<Record<string, Signing>> = { mailgun };

const fixturesOf = (name: string): readonly (readonly [string, Fixture])[] => {
  const folder = new URL(`fixtures/${name}/`, import.meta.url);
  return readdirSync(folder)
    .toSorted()
    .map((file) => [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Fixture]);
};

export interface WebhookCase extends Signing {
  readonly name: string;
  readonly webhook: ProviderWebhook;
  readonly fixtures: readonly (readonly [string, Fixture])[];
  readonly first: Fixture;
}

/** One case for every provider that has a webhook; `providers.test.ts` sees that none is missing. */
export const webhookCases: readonly WebhookCase[] = Object.entries(signings).map(([name, signing]) => {
  const webhook = findProvider(name)?.webhook;
  const fixtures = fixturesOf(name);
  const first = fixtures[0]?.[1];
  if (webhook === undefined || first === undefined) throw new Error(`${name} has no webhook or no fixtures`);
  return { ...signing, name, webhook, fixtures, first };
});
