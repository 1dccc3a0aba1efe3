import { apiSettings } from '@reconfirm/core/config/api-settings';
import { readApiConfig } from '@reconfirm/core/config/config';
import { secretNames } from '@reconfirm/core/config/setting';
import { exitMisconfigured, printProblems, readCommand } from '@reconfirm/process/command-line';
import { readEnvironment } from '@reconfirm/process/environment';
import { createLogger } from '@reconfirm/process/logger';
import { stopOnSignal } from '@reconfirm/process/stop';
import { createApi } from './api.ts';

const usage = `Usage: node apps/api/src/main.ts [--check] [--help]

Takes requests for verification messages and the providers' webhooks. Run as many as you like behind a
load balancer. Settings come from the environment (NAME, or NAME_FILE for secrets):

  ${Object.keys(apiSettings).join('\n  ')}

Each is explained in docs/configuration.md. --check reads the settings, builds everything and leaves:
exit code 0, or 78 with everything that is wrong.`;

const main = async (): Promise<void> => {
  const command = readCommand(process.argv.slice(2));
  if (typeof command === 'object') return fail([command.problem]);
  if (command === 'help') return console.log(usage);
  const { environment, problems } = readEnvironment(process.env, secretNames(apiSettings));
  const read = readApiConfig(environment);
  if (problems.length > 0 || 'problems' in read)
    return fail([...problems, ...('problems' in read ? read.problems : [])]);
  const { config } = read;
  const log = createLogger('api', config.LOG_LEVEL);
  const api = await createApi(config, log);
  if (command === 'check') {
    await api.app.ready();
    await api.stop();
    return console.log('The settings are right and the API can be built.');
  }
  const address = await api.app.listen({ host: config.HOST, port: config.PORT });
  log.info(
    {
      listening: address,
      queue: config.QUEUE_BACKEND,
      provider: config.EMAIL_PROVIDER,
      disclosure: config.DISCLOSURE,
    },
    'api.started',
  );
  stopOnSignal(log, config.SHUTDOWN_TIMEOUT_SECONDS, api.stop);
};

const fail = (problems: readonly string[]): void => {
  printProblems(problems);
  process.exitCode = exitMisconfigured;
};

await main();
