import { once } from 'node:events';
import { createServer } from 'node:net';
import { systemErrorCode } from './stack-error.ts';

const canListen = async (port: number, host: string): Promise<boolean> => {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return true;
  } catch (error) {
    // A machine without IPv6 has nobody listening there.
    return ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'].includes(systemErrorCode(error) ?? '');
  } finally {
    server.close();
  }
};

/**
 * Whether nothing listens on this port of the loopback addresses at the moment. Both are asked, because
 * `localhost` may name either; the answer may be old when it is used.
 */
export const isPortFree = async (port: number): Promise<boolean> =>
  (await canListen(port, '127.0.0.1')) && (await canListen(port, '::1'));

/** A port of 127.0.0.1 that nothing listens on: one of the preferred if it is free, else the kernel's choice. */
export const findFreePort = async (...preferred: readonly number[]): Promise<number> => {
  for (const port of preferred) {
    if (await isPortFree(port)) return port;
  }
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('The kernel gave no port');
  return address.port;
};
