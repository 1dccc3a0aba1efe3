import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A key and its self-signed certificate, as PEM, for a server of one test. */
export interface TestCertificate {
  readonly key: string;
  readonly certificate: string;
}

export interface TestCertificateOptions {
  /** DNS names; `localhost` and 127.0.0.1 unless given. */
  readonly names?: readonly string[];
  /** Days from now until it runs out; 1 unless given, negative for one that has. */
  readonly daysLeft?: number;
}

const dayMs = 86_400_000;

/**
 * Makes a self-signed certificate (RFC 5280, 4.1). Written out here so that no private key stands in the
 * repository and no tool is needed.
 */
export const makeCertificate = ({ names, daysLeft = 1 }: TestCertificateOptions = {}): TestCertificate => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
  const name = sequence(set(sequence(oid('550403'), der(0x0c, Buffer.from(names?.[0] ?? 'localhost')))));
  const now = Date.now();
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    name,
    sequence(utcTime(Math.min(now, now + daysLeft * dayMs) - 3_600_000), utcTime(now + daysLeft * dayMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(subjectAltName(names))),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', signed, privateKey)]));
  const certificate = sequence(signed, ecdsaWithSha256, signature);
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
};

const der = (tag: number, content: Uint8Array): Buffer => {
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, Buffer.concat(parts));
const set = (...parts: readonly Uint8Array[]): Buffer => der(0x31, Buffer.concat(parts));
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));

/** YYMMDDhhmmssZ. */
const utcTime = (atMs: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(atMs).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

const subjectAltName = (given: readonly string[] | undefined): Buffer => {
  const names = (given ?? ['localhost']).map((name) => der(0x82, Buffer.from(name)));
  if (given === undefined) names.push(der(0x87, Buffer.from([127, 0, 0, 1])));
  return sequence(oid('551d11'), der(0x04, sequence(...names)));
};
