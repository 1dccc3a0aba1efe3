import type { ContainerRuntimeClient, StartedTestContainer } from 'testcontainers';
import { StackError } from './stack-error.ts';

export type ContainerImages = { postgres: string; redis: string };

export type StartedContainers = {
  /** The URL of one database on the server, as a superuser. */
  databaseUrl: (databaseName: string) => string;
  redisUrl: string;
  stop: () => Promise<void>;
};

/** An engine that answers and has both images. */
export type ContainerEngine = { start: () => Promise<StartedContainers> };

export type EngineAnswer =
  | { kind: 'ready'; engine: ContainerEngine }
  | { kind: 'no-engine' }
  | { kind: 'no-image'; image: string; reason: string };

const PULL_TIMEOUT_MS = 180_000;
const STARTUP_TIMEOUT_MS = 60_000;
const POSTGRES_USER = 'postgres';
const POSTGRES_PASSWORD = 'postgres';

/**
 * Asks for a container engine and for the two images, pulling those that are missing. Finding none is an
 * answer, not a fault. `env` is where testcontainers reads its switches, so it must be the process's own.
 */
export const findContainerEngine = async (
  images: ContainerImages,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<EngineAnswer> => {
  // 0.35 s to load: only when containers are wanted.
  const { getContainerRuntimeClient, ImageName } = await import('testcontainers');
  const client = await getContainerRuntimeClient().catch(() => undefined);
  if (client === undefined) return { kind: 'no-engine' };
  for (const image of [images.postgres, images.redis]) {
    const name = ImageName.fromString(image);
    if (await client.image.exists(name)) continue;
    say(`pulling ${image}, once`);
    const pulling = client.image.pull(name).then(() => client.image.exists(name));
    const problem = await beforeDeadline(pulling, PULL_TIMEOUT_MS).then(
      (exists) => (exists ? undefined : 'the pull ended without an image'),
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (problem !== undefined) return { kind: 'no-image', image, reason: problem };
  }
  await chooseReaper(client, env);
  return { kind: 'ready', engine: { start: () => startContainers(client, images) } };
};

/**
 * The reaper of testcontainers removes containers whose run was killed. The process that starts these
 * containers outlives the run and removes them itself, so the reaper is only a second line: it is used
 * when its image is there and never pulled.
 */
const chooseReaper = async (client: ContainerRuntimeClient, env: NodeJS.ProcessEnv): Promise<void> => {
  if (env['TESTCONTAINERS_RYUK_DISABLED'] !== undefined || env['RYUK_CONTAINER_IMAGE'] !== undefined) return;
  const images = await client.container.dockerode.listImages();
  const reaper = images
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .find((tag) => tag.startsWith('testcontainers/ryuk:'));
  if (reaper === undefined) env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  else env['RYUK_CONTAINER_IMAGE'] = reaper;
};

const startContainers = async (
  client: ContainerRuntimeClient,
  images: ContainerImages,
): Promise<StartedContainers> => {
  const { GenericContainer, Wait } = await import('testcontainers');
  const started = await Promise.allSettled([
    new GenericContainer(images.postgres)
      .withEnvironment({ POSTGRES_USER, POSTGRES_PASSWORD })
      // Durability is paid for by nobody who tests; 400 connections because every test file has its own pools.
      .withCommand(['postgres', '-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'max_connections=400'])
      .withExposedPorts(5432)
      .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/))
      .withStartupTimeout(STARTUP_TIMEOUT_MS)
      .start(),
    new GenericContainer(images.redis)
      .withCommand(['redis-server', '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'])
      .withExposedPorts(6379)
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/i))
      .withStartupTimeout(STARTUP_TIMEOUT_MS)
      .start(),
  ]);
  const running = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((container) => removeContainer(client, container)));
  };
  const [postgres, redis] = running;
  if (postgres === undefined || redis === undefined) {
    await stop();
    const reasons = started.flatMap((result) =>
      result.status === 'rejected' ? [String(result.reason)] : [],
    );
    throw new StackError(
      'not_ready',
      `The engine answers but a container did not start: ${reasons.join('; ')}`,
    );
  }
  const host = hostOf(client);
  const databaseHost = `${host}:${postgres.getMappedPort(5432)}`;
  return {
    databaseUrl: (databaseName) =>
      `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@${databaseHost}/${databaseName}`,
    redisUrl: `redis://${host}:${redis.getMappedPort(6379)}`,
    stop,
  };
};

// Killed, not asked: nothing in them is kept, and Postgres would wait for every client first.
const removeContainer = async (
  client: ContainerRuntimeClient,
  container: StartedTestContainer,
): Promise<void> => {
  await client.container.getById(container.getId()).remove({ force: true, v: true });
};

// The mapped port belongs to the first address: engines before 23 publish IPv4 and IPv6 on different ports.
const hostOf = (client: ContainerRuntimeClient): string => {
  const { host, hostIps } = client.info.containerRuntime;
  const [first] = hostIps;
  if (first === undefined) return host;
  return first.family === 6 ? `[${first.address}]` : first.address;
};

const beforeDeadline = async <T>(promise: Promise<T>, timeoutMs: number): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
