import type { Purpose } from './purpose.ts';
import { signup } from './signup.ts';

/** Every purpose that can be asked for. Adding one: a file beside `signup.ts`, a line here, a template. */
export const purposes = { signup } as const satisfies Record<string, Purpose>;

export type PurposeName = keyof typeof purposes;

export const purposeNames = Object.keys(purposes) as readonly PurposeName[];

/** The purpose, or undefined for a row that a newer version of the service wrote. */
export const findPurpose = (name: string): Purpose | undefined =>
  Object.hasOwn(purposes, name) ? purposes[name as PurposeName] : undefined;
