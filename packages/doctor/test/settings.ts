import { doctorSettings } from '@reconfirm/core/config/doctor-settings';
import { readSettings } from '@reconfirm/core/config/setting';
import { type Sender, senderOf } from '@reconfirm/core/doctor/sender';

/** The sender that these settings make. */
export const senderWith = (environment: Readonly<Record<string, string>>): Sender => {
  const read = readSettings(doctorSettings, environment);
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  return senderOf(read.config);
};
