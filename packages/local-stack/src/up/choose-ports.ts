import { findFreePort, isPortFree } from '../free-port.ts';
import { StackError } from '../stack-error.ts';
import { parsePort, type Flags } from './flags.ts';
import type { Environment } from './process-settings.ts';

/** Where each part is reached on 127.0.0.1. */
export type Ports = { api: number; workerOps: number; inboxHttp: number; inboxSmtp: number };

const DEFAULTS = { api: 3000, workerOps: 3081 };

/**
 * The API's port: the one that was asked for or the default, or StackError `port_busy`, because people keep
 * its address.
 */
export const chooseApiPort = async (flags: Flags, env: Environment): Promise<number> => {
  const wish =
    flags.port === undefined ? fromEnvironment('PORT', env) : { port: flags.port, source: '--port' };
  return (await choose(wish)) ?? defaultApiPort();
};

/** The worker's port for health and metrics, which gives way to a free one when nobody asked for it. */
export const chooseWorkerPort = async (env: Environment): Promise<number> =>
  (await choose(fromEnvironment('OPS_PORT', env))) ?? findFreePort(DEFAULTS.workerOps);

type Wish = { port: number; source: string };

const fromEnvironment = (name: string, env: Environment): Wish | undefined => {
  const text = env[name];
  return text === undefined || text === '' ? undefined : { port: parsePort(name, text), source: name };
};

const choose = async (wish: Wish | undefined): Promise<number | undefined> => {
  if (wish === undefined) return undefined;
  if (wish.port === 0) return findFreePort();
  if (await isPortFree(wish.port)) return wish.port;
  throw new StackError(
    'port_busy',
    `Port ${wish.port}, which ${wish.source} asks for, is in use: stop what uses it, or choose another one.`,
  );
};

const defaultApiPort = async (): Promise<number> => {
  if (await isPortFree(DEFAULTS.api)) return DEFAULTS.api;
  const free = await findFreePort(DEFAULTS.api + 1, DEFAULTS.api + 2, DEFAULTS.api + 3);
  throw new StackError(
    'port_busy',
    `Port ${DEFAULTS.api} is in use: stop what uses it, or run \`npm start -- --port ${free}\`.`,
  );
};
