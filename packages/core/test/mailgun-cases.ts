import { createHmac } from 'node:crypto';
import type {
  ProviderWebhook,
  WebhookRequest,
  WebhookSettings,
  WebhookVerdict,
} from '../src/providers/provider.ts';
import { mailgun as provider } from '../src/providers/mailgun.ts';
import { Secret } from '../src/secret.ts';
import { type Fixture, fixturesOf } from './webhook-fixtures.ts';

export interface Signed {
  readonly key: string;
  readonly atSeconds: number;
  readonly token: string;
}

export type SignatureFields = Readonly<Record<string, string>>;

/** How Mailgun signs. */
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
export const settings: WebhookSettings = {
  signingKeys: [new Secret(key)],
  maxAgeSeconds: 300,
  maxFutureSeconds: 300,
  late: 'refuse',
};
/** The second that the fixtures of flat reports expect: their only time is the signature's. */
export const signedAtSeconds = 1_794_960_000;
export const token = 'f0e1d2c3b4a5968778695a4b3c2d1e0f0123456789abcdef01';

export const requestOf = (contentType: string, body: string | Uint8Array): WebhookRequest => ({
  rawBody: typeof body === 'string' ? Buffer.from(body) : body,
  contentType,
  headers: {},
  url: 'https://verify.example.com/',
  clientAddress: '192.0.2.7',
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

export interface MailgunCase extends Signing {
  readonly name: string;
  readonly webhook: ProviderWebhook;
  readonly fixtures: readonly (readonly [string, Fixture])[];
  readonly first: Fixture;
}

const fixtures = fixturesOf('mailgun');
const [, first] = fixtures[0] ?? [];
if (first === undefined) throw new Error('no fixtures');

/** In a list, as the tests below take it; all providers together are in `webhook-conformance.test.ts`. */
export const mailgunCases: readonly MailgunCase[] = [
  { ...mailgun, name: 'mailgun', webhook: provider.webhook, fixtures, first },
];
