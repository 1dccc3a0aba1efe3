import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Secret } from '@reconfirm/core/secret';
import {
  clientAddressHeader,
  type ClientAddressJudgement,
  judgeClientAddress,
} from '@reconfirm/core/signed-client-address';
import { ProblemError } from './problem.ts';
import type { Client } from './request-keys.ts';

export interface ClientAddressOptions {
  /** Keys of the servers whose word counts; none: nobody's does. */
  readonly keys: readonly Secret[];
  readonly maxAgeSeconds: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The person's address as a server has signed it; null without the header. */
    signedClientAddress: string | null;
  }
  interface FastifyInstance {
    readonly takesSignedClientAddresses: boolean;
  }
}

/**
 * Reads the header by which servers name the person for whom they ask, on every route. One that does not hold
 * is a 400, whoever sends it: a server whose header were ignored would be counted as one person.
 */
export const readSignedClientAddresses = (
  app: FastifyInstance,
  { keys, maxAgeSeconds }: ClientAddressOptions,
): void => {
  app.decorate('takesSignedClientAddresses', keys.length > 0);
  app.decorateRequest('signedClientAddress', null);
  // A plain callback, as all hooks that every request passes.
  app.addHook('onRequest', (request, _reply, done) => {
    const header = request.headers[clientAddressHeader];
    if (header === undefined) return done();
    const judged = judgeClientAddress(String(header), keys, maxAgeSeconds, Date.now());
    if (!judged.valid) return done(new ProblemError(refusals[judged.why]));
    request.signedClientAddress = judged.address;
    done();
  });
};

const refusals = {
  unexpected: 'CLIENT_ADDRESS_INVALID',
  malformed: 'CLIENT_ADDRESS_INVALID',
  mismatch: 'CLIENT_ADDRESS_INVALID',
  stale: 'CLIENT_ADDRESS_STALE',
} as const satisfies Record<Extract<ClientAddressJudgement, { valid: false }>['why'], string>;

/** The machine that calls, whoever it asks for: what a provider's webhook is judged by. */
export const callerAddressOf = (request: FastifyRequest): string => request.ip;

/** The address of the person who asks: as a server has signed it, else the one that the connection comes from. */
export const clientAddressOf = (request: FastifyRequest): string => request.signedClientAddress ?? request.ip;

/**
 * The same where the caller has shown a key and may be a server. Where servers sign addresses, one that names
 * nobody is counted by its key: its own address would stand for everybody that it asks for.
 */
export const clientOfCaller = (request: FastifyRequest, caller: string): Client =>
  request.signedClientAddress ??
  (request.server.takesSignedClientAddresses ? { ofCaller: caller } : request.ip);
