import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIPv6, type LookupFunction } from 'node:net';
import type { LookupAddress } from 'node:dns';
import { callbackify } from 'node:util';
import type { ClockReading } from '@reconfirm/core/doctor/clock';
import type { DnsReader } from './dns-reader.ts';

/** A clock that tells whole seconds is up to one second behind. */
const wholeSecondMs = 1000;

/** Reads a clock elsewhere, and takes the middle of the time that it took. Undefined when it does not tell. */
export const readClock = async (
  of: string,
  read: () => Promise<Date | undefined>,
  resolutionMs = 0,
): Promise<ClockReading | undefined> => {
  const beganMs = Date.now();
  const theirs = await read().catch(() => undefined);
  if (theirs === undefined) return undefined;
  const tookMs = Date.now() - beganMs;
  return { of, offsetMs: theirs.getTime() - (beganMs + tookMs / 2), errorMs: tookMs / 2 + resolutionMs };
};

/** The Date header (RFC 9110, 6.6.1) of any answer of a server, whatever its status. */
export const readHttpClock = (
  origin: string,
  reader: Pick<DnsReader, 'addresses'>,
  signal: AbortSignal,
): Promise<ClockReading | undefined> =>
  readClock(
    new URL(origin).host,
    async () => {
      const request = (origin.startsWith('https:') ? requestHttps : requestHttp)(origin, {
        method: 'HEAD',
        agent: false,
        lookup: lookupBy(reader),
        signal,
      });
      // What happens once the header is read, or time is up, is nobody's matter.
      request.on('error', () => {});
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.destroy();
      const atMs = Date.parse(response.headers.date ?? '');
      return Number.isNaN(atMs) ? undefined : new Date(atMs);
    },
    wholeSecondMs,
  );

/** The name servers of the examination answer for this name too. */
const addressesOf = async (
  hostname: string,
  { addresses }: Pick<DnsReader, 'addresses'>,
): Promise<LookupAddress[]> => {
  const answer = await addresses(hostname);
  if (answer.kind !== 'found')
    throw Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' });
  return answer.values.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
};

const lookupBy = (reader: Pick<DnsReader, 'addresses'>): LookupFunction => {
  const look = callbackify(addressesOf);
  return (hostname, { all }, done) =>
    look(hostname, reader, (error, found) => {
      const [first] = error === null ? found : [];
      if (all === true) done(error, found);
      else done(error, first?.address ?? '', first?.family);
    });
};
