import type { RunningWorker } from '../../src/worker.ts';

export interface OpsAnswer {
  readonly status: number;
  readonly body: string;
}

/** Asks a worker's health and metrics port. */
export const askOps = async (
  worker: Pick<RunningWorker, 'opsPort'>,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<OpsAnswer & { readonly headers: Headers }> => {
  const response = await fetch(`http://127.0.0.1:${worker.opsPort}${path}`, {
    headers: { connection: 'close', ...headers },
    signal: AbortSignal.timeout(5000),
  });
  return { status: response.status, body: await response.text(), headers: response.headers };
};

/** The value of one line of the metrics, such as `reconfirm_provider_open`; undefined when it is not there. */
export const readMetric = async (
  worker: Pick<RunningWorker, 'opsPort'>,
  line: string,
): Promise<number | undefined> => {
  const { body } = await askOps(worker, '/metrics');
  const found = body.split('\n').find((text) => text.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
};
