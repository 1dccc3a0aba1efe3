import type { Question } from './http-client.ts';

/** A route on which somebody without any credential names an address. */
export interface TimedRoute {
  readonly name: string;
  readonly path: string;
  /** What is asked about an address. */
  readonly json: (email: string) => Readonly<Record<string, unknown>>;
  /** Its share of --requests: a route that hashes a password costs a hundred times the others. */
  readonly share: number;
}

const password = 'Correct-Horse-9-Battery';
const wrongCode = '000000';

/** The request for a message in each strict contract, asked most of all. */
export const messageRoutes: readonly TimedRoute[] = [
  {
    name: 'v1 resend-verification (strict)',
    path: '/v1/resend-verification',
    json: (email) => ({ email }),
    share: 1,
  },
  { name: 'gotrue recover', path: '/auth/v1/recover', json: (email) => ({ email }), share: 1 },
  {
    name: 'singularity password/reset-request',
    path: '/api/auth/password/reset-request',
    json: (email) => ({ email }),
    share: 1,
  },
  // Without an administrator's credential: nobody else may name an address in this contract.
  { name: 'entryguard users (a stranger)', path: '/api/v1/users', json: (email) => ({ email }), share: 1 },
];

/** What else a stranger may ask about an address. */
export const otherRoutes: readonly TimedRoute[] = [
  {
    name: 'v1 verify (wrong code)',
    path: '/v1/verify',
    json: (email) => ({ email, code: wrongCode }),
    share: 0.25,
  },
  {
    name: 'gotrue verify (wrong code)',
    path: '/auth/v1/verify',
    json: (email) => ({ type: 'recovery', email, token: wrongCode }),
    share: 0.25,
  },
  {
    name: 'gotrue token (wrong password)',
    path: '/auth/v1/token?grant_type=password',
    json: (email) => ({ email, password }),
    share: 0.005,
  },
  {
    name: 'gotrue signup',
    path: '/auth/v1/signup',
    json: (email) => ({ email, password }),
    share: 0.005,
  },
  {
    name: 'singularity register',
    path: '/api/auth/register',
    json: (email) => ({ email, password, name: 'Ada Lovelace' }),
    share: 0.005,
  },
];

/** One more client each time, as from a botnet: the limits of clients count, and none is reached. */
export const questionOf = (route: TimedRoute, email: string, client: number): Question => ({
  json: route.json(email),
  headers: { 'x-forwarded-for': `10.${(client >>> 16) & 255}.${(client >>> 8) & 255}.${client & 255}` },
});
