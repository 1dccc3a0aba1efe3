import type { RelayedTemplate } from '../sealed-content.ts';

/** One message that another authentication system asks to be sent. */
export interface RelayedRequest {
  readonly channel: 'email' | 'sms';
  /** As given: not judged yet. */
  readonly to: string;
  readonly template: RelayedTemplate;
  readonly link: string | null;
  readonly code: string | null;
  readonly name: string | null;
  readonly locale: string | null;
  readonly lifetimeSeconds: number;
}

export type RelayRead =
  | { readonly requests: readonly RelayedRequest[] }
  /** What is wrong with the call, for the system that made it. */
  | { readonly problem: string };

type JsonObject = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Text that says something; undefined for anything else, also for the empty text that these systems send for none. */
export const textOf = (record: JsonObject, name: string): string | undefined => {
  const value = record[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};
