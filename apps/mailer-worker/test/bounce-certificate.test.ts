import { readWorkerConfig } from '@reconfirm/core/config/config';
import { expect, test } from 'vitest';
import { makeCertificate } from './smtp-certificate.ts';

const { key, certificate } = makeCertificate();
const environment = {
  DATABASE_URL: 'postgres://db.example/reconfirm',
  QUEUE_BACKEND: 'postgres',
  PUBLIC_URL: 'https://verify.example.com',
  TOKEN_KEYS: `1:${Buffer.alloc(32, 1).toString('base64')}`,
  ADDRESS_HASH_KEY: Buffer.alloc(32, 2).toString('base64'),
  SMTP_URL: 'smtp://smtp.example.com:587',
  MAIL_FROM: 'no-reply@mail.example.com',
};

test('a certificate of the bounce listener is taken with its key', () =>
  expect(
    readWorkerConfig({ ...environment, BOUNCE_TLS_CERT: certificate, BOUNCE_TLS_KEY: key }),
  ).not.toHaveProperty('problems'));

test('a certificate with the key of another is refused before anything starts, and neither is repeated', () => {
  const another = makeCertificate();
  const read = readWorkerConfig({
    ...environment,
    BOUNCE_TLS_CERT: certificate,
    BOUNCE_TLS_KEY: another.key,
  });
  expect(read).toEqual({ problems: ['BOUNCE_TLS_KEY is not the key of BOUNCE_TLS_CERT'] });
});
