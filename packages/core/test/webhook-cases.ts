import { createHmac, generateKeyPairSync, type KeyObject, sign as signWith } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type {
  Provider,
  ProviderWebhook,
  WebhookRequest,
  WebhookSettings,
} from '../src/providers/provider.ts';
import { providers, type ReportingProviderName } from '../src/providers/registry.ts';
import { Secret } from '../src/secret.ts';
import { type Fixture, fixturesOf } from './webhook-fixtures.ts';

export const signedAtSeconds = 1_794_960_000;
export const now = new Date((signedAtSeconds + 10) * 1000);

/** The two secrets of an installation while one is being replaced, and one of somebody else. */
export const keyNames = ['current', 'next', 'foreign'] as const;
export type KeyName = (typeof keyNames)[number];

export interface Signed {
  readonly key: KeyName;
  readonly atSeconds: number;
  /** Names the request where a provider has such a name: a token, a message id. */
  readonly id: string;
}

/** How a provider proves who it is: what a new provider with a webhook has to bring to the tests. */
interface Signing {
  /**
   * What the proof covers, by the provider's own design: the bytes of the body; its values, however they
   * are spelled; a token beside it; or nothing at all, and the secret alone counts.
   */
  readonly covers: 'bytes' | 'values' | 'token' | 'nothing';
  readonly hasTime: boolean;
  /** What the operator enters, to believe these keys. */
  readonly believing: (keys: readonly KeyName[]) => Partial<WebhookSettings>;
  readonly sign: (fixture: Fixture, signed: Signed) => WebhookRequest;
  /** The parts of a request that the proof covers or consists of, by name. */
  readonly parts: (request: WebhookRequest) => Readonly<Record<string, string>>;
  /** The same request with other parts; undefined: without that part. */
  readonly withParts: (
    request: WebhookRequest,
    changed: Readonly<Record<string, string | undefined>>,
  ) => WebhookRequest;
  /** A bent part that is still a good proof by the provider's own design: one of a list of signatures. */
  readonly isStillGood?: (name: string, bent: string, value: string) => boolean;
  /** The id of the request that the fixtures expect as the id of the event, where it is that. */
  readonly idOfFixtures: string;
}

const base = (body: string, headers: WebhookRequest['headers']): WebhookRequest => ({
  rawBody: Buffer.from(body),
  contentType: 'application/json',
  headers,
  url: 'https://verify.example.com/',
  clientAddress: '192.0.2.7',
  now,
});

const secretsOf =
  (text: (key: KeyName) => string): Signing['believing'] =>
  (keys) => ({ signingKeys: keys.map((key) => new Secret(text(key))) });

/** Parts that are headers, and the whole body where that is covered. */
const headerParts = (names: readonly string[], withBody: boolean): Pick<Signing, 'parts' | 'withParts'> => ({
  parts: (request) => ({
    ...Object.fromEntries(
      names.flatMap((name) => {
        const value = request.headers[name];
        return typeof value === 'string' ? [[name, value]] : [];
      }),
    ),
    ...(withBody && { body: Buffer.from(request.rawBody).toString('latin1') }),
  }),
  withParts: (request, { body, ...headers }) => ({
    ...request,
    headers: { ...request.headers, ...headers },
    ...(body !== undefined && { rawBody: Buffer.from(body, 'latin1') }),
  }),
});

const decoded = (request: WebhookRequest): Record<string, unknown> =>
  JSON.parse(Buffer.from(request.rawBody).toString()) as Record<string, unknown>;

/** Parts that are fields of an object of the body, at the top or below `field`. */
const fieldParts = (names: readonly string[], field?: string): Pick<Signing, 'parts' | 'withParts'> => ({
  parts: (request) => {
    const body = decoded(request);
    const holder = (field === undefined ? body : body[field]) as Record<string, string>;
    return Object.fromEntries(Object.entries(holder).filter(([name]) => names.includes(name)));
  },
  withParts: (request, changed) => {
    const body = decoded(request);
    const holder = (field === undefined ? body : body[field]) as Record<string, unknown>;
    const bent = { ...holder, ...changed };
    return {
      ...request,
      rawBody: Buffer.from(JSON.stringify(field === undefined ? bent : { ...body, [field]: bent })),
    };
  },
});

const mailgun: Signing = {
  covers: 'token',
  hasTime: true,
  believing: secretsOf((key) => `mailgun-key-${key}`),
  sign: (fixture, { key, atSeconds, id }) => {
    const timestamp = String(atSeconds);
    const mac = createHmac('sha256', `mailgun-key-${key}`).update(timestamp + id);
    const signature = { timestamp, token: id, signature: mac.digest('hex') };
    const isV3 = Object.hasOwn(fixture.body, 'event-data');
    const body = isV3 ? { signature, ...fixture.body } : { ...fixture.body, ...signature };
    if (!fixture.contentType.includes('form')) return base(JSON.stringify(body), {});
    const form = new URLSearchParams(body as Record<string, string>).toString();
    return { ...base(form, {}), contentType: fixture.contentType };
  },
  ...fieldParts(['timestamp', 'token', 'signature'], 'signature'),
  idOfFixtures: 'f0e1d2c3b4a5968778695a4b3c2d1e0f0123456789abcdef01',
};

const snsKey = readFileSync(new URL('fixtures/keys/sns-key.pem', import.meta.url), 'utf8');
export const snsCertificate = readFileSync(
  new URL('fixtures/keys/sns-certificate.pem', import.meta.url),
  'utf8',
);
export const snsCertificateUrl = `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${'0123456789abcdef'.repeat(2)}.pem`;
const foreignRsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
export const topicOf = (key: KeyName): string =>
  `arn:aws:sns:eu-west-1:123456789012:mail-${key === 'foreign' ? 'current' : key}`;

/** Signs the fields of an SNS message as Amazon does, version 2 unless the fields say otherwise. */
export const signSns = (
  fields: Readonly<Record<string, string>>,
  key: KeyObject | string = snsKey,
): Record<string, string> => {
  const isNotification = fields['Type'] === 'Notification';
  const names = isNotification
    ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
    : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
  const text = names.map((name) => (name in fields ? `${name}\n${fields[name]}\n` : '')).join('');
  const all = { SignatureVersion: '2', SigningCertURL: snsCertificateUrl, ...fields };
  const hash = all.SignatureVersion === '1' ? 'sha1' : 'sha256';
  return { ...all, Signature: signWith(hash, Buffer.from(text), key).toString('base64') };
};

/** An SNS request as it arrives, with the certificate that its first verdict asks for. */
export const snsRequest = (fields: Readonly<Record<string, unknown>>): WebhookRequest => ({
  ...base(JSON.stringify(fields), { 'x-amz-sns-message-type': 'Notification' }),
  contentType: 'text/plain; charset=UTF-8',
  certificate: { url: snsCertificateUrl, pem: snsCertificate },
});

const ses: Signing = {
  covers: 'values',
  hasTime: true,
  // Amazon signs for everybody alike: whose a message is, the topic tells.
  believing: (keys) => ({
    sns: { topicArns: keys.filter((key) => key !== 'foreign').map(topicOf), allowsSha1: false },
  }),
  sign: (fixture, { key, atSeconds, id }) =>
    snsRequest(
      signSns(
        {
          Type: 'Notification',
          MessageId: id,
          TopicArn: topicOf(key),
          Subject: 'Amazon SES Email Event Notification',
          Message: typeof fixture.body === 'string' ? fixture.body : JSON.stringify(fixture.body),
          Timestamp: new Date(atSeconds * 1000).toISOString(),
          UnsubscribeURL: 'https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe',
        },
        key === 'foreign' ? foreignRsa : snsKey,
      ),
    ),
  // UnsubscribeURL is signed by nobody, and used by nobody here.
  ...fieldParts([
    'Message',
    'MessageId',
    'Subject',
    'Timestamp',
    'TopicArn',
    'Type',
    'Signature',
    'SignatureVersion',
    'SigningCertURL',
  ]),
  idOfFixtures: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
};

const ecKeys = Object.fromEntries(
  keyNames.map((name) => [name, generateKeyPairSync('ec', { namedCurve: 'P-256' })]),
);
export const sendgridPublicKey = (key: KeyName): string =>
  ecKeys[key]?.publicKey.export({ format: 'der', type: 'spki' }).toString('base64') ?? '';

const sendgrid: Signing = {
  covers: 'bytes',
  hasTime: true,
  believing: secretsOf(sendgridPublicKey),
  sign: (fixture, { key, atSeconds }) => {
    const body = JSON.stringify(fixture.body);
    const privateKey = ecKeys[key]?.privateKey;
    if (privateKey === undefined) throw new Error('no key');
    return base(body, {
      'x-twilio-email-event-webhook-timestamp': String(atSeconds),
      'x-twilio-email-event-webhook-signature': signWith(
        'sha256',
        Buffer.from(String(atSeconds) + body),
        privateKey,
      ).toString('base64'),
    });
  },
  ...headerParts(['x-twilio-email-event-webhook-timestamp', 'x-twilio-email-event-webhook-signature'], true),
  idOfFixtures: '',
};

const svixSecret = (key: KeyName): string => Buffer.from(`svix-secret-number-${key}`).toString('base64');

const resend: Signing = {
  covers: 'bytes',
  hasTime: true,
  believing: secretsOf((key) => `whsec_${svixSecret(key)}`),
  sign: (fixture, { key, atSeconds, id }) => {
    const body = JSON.stringify(fixture.body);
    const mac = createHmac('sha256', Buffer.from(svixSecret(key), 'base64')).update(
      `${id}.${atSeconds}.${body}`,
    );
    return base(body, {
      'svix-id': id,
      'svix-timestamp': String(atSeconds),
      'svix-signature': `v1,${mac.digest('base64')}`,
    });
  },
  ...headerParts(['svix-id', 'svix-timestamp', 'svix-signature'], true),
  isStillGood: (name, bent, value) => name === 'svix-signature' && bent.split(' ').includes(value),
  idOfFixtures: 'msg_2W2D3qXLS5fOaPja1GDg7rF2CwB',
};

const sharedSecret = (key: KeyName): string => `shared-secret-of-the-tests-${key}`;
export const basic = (secret: string, user = 'reconfirm'): string =>
  `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;

const bySharedSecret = (header: (secret: string) => Readonly<Record<string, string>>): Signing => ({
  covers: 'nothing',
  hasTime: false,
  believing: secretsOf(sharedSecret),
  sign: (fixture, { key }) => base(JSON.stringify(fixture.body), header(sharedSecret(key))),
  ...headerParts(['authorization', 'x-webhook-secret'], false),
  idOfFixtures: '',
});

const signings: Readonly<Record<ReportingProviderName, Signing>> = {
  mailgun,
  ses,
  sendgrid,
  postmark: bySharedSecret((secret) => ({ authorization: basic(secret) })),
  resend,
  brevo: bySharedSecret((secret) => ({ authorization: `Bearer ${secret}` })),
};

export interface WebhookCase extends Signing {
  readonly name: ReportingProviderName;
  readonly webhook: ProviderWebhook;
  readonly fixtures: readonly (readonly [string, Fixture])[];
  /** A report that every check may use. */
  readonly first: Fixture;
  readonly settings: (keys: readonly KeyName[], changed?: Partial<WebhookSettings>) => WebhookSettings;
}

export const reportingProviders: readonly Provider[] = Object.values<Provider>(providers).filter(
  ({ webhook }) => webhook !== undefined,
);

/** One case for every provider of the registry that has a webhook; without fixtures or a way to sign, none runs. */
export const webhookCases: readonly WebhookCase[] = reportingProviders.map(({ name, webhook }) => {
  const signing = Object.hasOwn(signings, name) ? signings[name as ReportingProviderName] : undefined;
  const fixtures = fixturesOf(name);
  const first = fixtures.find(([file]) => file === 'delivered.json')?.[1];
  if (webhook === undefined || signing === undefined || first === undefined)
    throw new Error(`${name} has a webhook, and no way to sign or no fixture delivered.json`);
  return {
    ...signing,
    name: name as ReportingProviderName,
    webhook,
    fixtures,
    first,
    settings: (keys, changed = {}) => ({
      signingKeys: [],
      maxAgeSeconds: 900,
      maxFutureSeconds: 300,
      late: 'store',
      ...signing.believing(keys),
      ...changed,
    }),
  };
});
