import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIPv6, type LookupFunction } from 'node:net';
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
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.destroy();
      const atMs = Date.parse(response.headers.date ?? '');
      return Number.isNaN(atMs) ? undefined : new Date(atMs);
    },
    wholeSecondMs,
  );

/** The name servers of the examination answer for this name too. */
const lookupBy =
  ({ addresses }: Pick<DnsReader, 'addresses'>): LookupFunction =>
  (hostname, { all }, done) => {
    void addresses(hostname).then((answer) => {
      const found = (answer.kind === 'found' ? answer.values : []).map((address) => ({
        address,
        family: isIPv6(address) ? 6 : 4,
      }));
      const [first] = found;
      if (first === undefined) return done(Object.assign(new Error(hostname), { code: 'ENOTFOUND' }), '', 0);
      return all === true ? done(null, found) : done(null, first.address, first.family);
    });
  };
