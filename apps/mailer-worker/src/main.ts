import { readWorkerConfig, type WorkerConfig } from '@reconfirm/core/config/config';
import { workerSettings } from '@reconfirm/core/config/worker-settings';
import { failoverConfigOf } from '@reconfirm/core/config/failover-settings';
import { secretNames } from '@reconfirm/core/config/setting';
import { exitMisconfigured, printProblems, readCommand } from '@reconfirm/process/command-line';
import { readEnvironment } from '@reconfirm/process/environment';
import { createLogger, type Logger } from '@reconfirm/process/logger';
import { stopOnSignal } from '@reconfirm/process/stop';
import { availableLocales, createRenderer } from './render.ts';
import { createTransport } from './transports/create-transport.ts';
import { startWorker } from './worker.ts';

const usage = `Usage: node apps/mailer-worker/src/main.ts [--check] [--help]

Sends the messages that apps/api accepted. Run as many as you like; SIGTERM finishes or gives back
what is in hand. Settings come from the environment (NAME, or NAME_FILE for secrets):

  ${Object.keys(workerSettings).join('\n  ')}

Each is explained in docs/configuration.md. --check reads the settings, compiles every template and
leaves: exit code 0, or 78 with everything that is wrong.`;

const main = async (): Promise<void> => {
  const command = readCommand(process.argv.slice(2));
  if (typeof command === 'object') return fail([command.problem]);
  if (command === 'help') return console.log(usage);
  const { environment, problems } = readEnvironment(process.env, secretNames(workerSettings));
  const read = readWorkerConfig(environment);
  if (problems.length > 0 || 'problems' in read)
    return fail([...problems, ...('problems' in read ? read.problems : [])]);
  const { config } = read;
  const log = createLogger('mailer-worker', config.LOG_LEVEL);
  const settingsProblem = transportProblem(config, log);
  if (settingsProblem !== null) return fail([settingsProblem]);
  if (command === 'check') {
    await createRenderer({ brand: { name: config.BRAND_NAME }, supportedLocales: availableLocales });
    return console.log('The settings are right and every template renders.');
  }
  const worker = await startWorker(config, log);
  stopOnSignal(log, config.SHUTDOWN_TIMEOUT_SECONDS, () =>
    worker.stop(config.SHUTDOWN_TIMEOUT_SECONDS * 1000),
  );
};

/** What the transport itself finds wrong with its settings; it connects to nothing yet. */
const transportProblem = (config: WorkerConfig, log: Logger): string | null => {
  let setting = 'SMTP_URL';
  try {
    void createTransport(config, log);
    setting = 'SMTP_FAILOVER_URL';
    const failover = failoverConfigOf(config);
    if (failover !== null) void createTransport(failover, log);
    return null;
  } catch (error) {
    return `${setting}: ${error instanceof Error ? error.message : String(error)}`;
  }
};

const fail = (problems: readonly string[]): void => {
  printProblems(problems);
  process.exitCode = exitMisconfigured;
};

await main();
