import { readProcessName, settingsInUse } from '../config/settings-fingerprint.ts';
import { type Finding, found, ok } from './finding.ts';

/** Examines that all processes have the same settings, by the names under which they are connected to the database. */
export const checkSettings = (processNames: readonly string[]): Finding => {
  const kinds = new Set(processNames.flatMap((name) => readProcessName(name)?.kind ?? []));
  if (settingsInUse(processNames) > 1)
    return found('settings', 'warning', {
      what: 'The API and the workers do not all have the same settings',
      why: 'Links may be made that nobody can check, or mails go by another provider than the API reports on.',
      doThis:
        'Give all of them the same values of the settings for both processes (docs/configuration.md) and restart them. While a new version is rolled out this passes by itself.',
    });
  if (!kinds.has('mailer-worker'))
    return found('settings', 'unknown', {
      what: 'No worker was seen at the database',
      why: 'Without one no mail leaves.',
      doThis: 'Start one, or look whether it runs; behind a connection pooler it may not be seen.',
    });
  return ok(
    'settings',
    kinds.has('api')
      ? 'The API and the workers have the same settings'
      : 'All workers have the same settings',
  );
};
