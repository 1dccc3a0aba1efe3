import { generateKeyPairSync } from 'node:crypto';
import type { Settings } from './installation.ts';

/** One entry of SESSION_KEYS. */
export const newSessionKey = (name: string): string =>
  `${name}:${generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`;

/** What an API is told that speaks all four contracts and discloses in none; its sessions end with it. */
export const strictContracts = (): Settings => ({
  CONTRACTS: 'v1,gotrue,singularity,entryguard',
  DISCLOSURE: 'strict',
  GOTRUE_SITE_URL: 'http://localhost:3000',
  GOTRUE_RATE_LIMIT_EMAIL: 'off',
  GOTRUE_RATE_LIMIT_IP: 'off',
  GOTRUE_RATE_LIMIT_PHONE: 'off',
  SINGULARITY_RATE_LIMIT_ADDRESS: 'off',
  SINGULARITY_RATE_LIMIT_IP: 'off',
  SESSION_KEYS: newSessionKey('proofs-1'),
});
