import type { RelayedTemplate } from '../sealed-content.ts';
import { isRecord, type RelayRead, textOf } from './relayed-request.ts';

/**
 * `template_type` of Kratos' HTTP courier (Ory, "Sending emails": HTTP configuration), and the mail of ours
 * that says it. The `*_invalid` types go to addresses without an account: Kratos' own notice, which is not
 * a credential and is not relayed.
 */
const templates = {
  recovery_valid: 'recovery',
  recovery_code_valid: 'recovery',
  verification_valid: 'signup',
  verification_code_valid: 'signup',
  login_code_valid: 'magiclink',
  registration_code_valid: 'signup',
} as const satisfies Record<string, RelayedTemplate>;

/** Types that carry no credential; they are taken and nothing is sent. */
const silent = /^(recovery|recovery_code|verification|verification_code)_invalid$/;

/**
 * Reads a call of the HTTP courier, as its default body template writes it (flat) or with the whole
 * `template_data`.
 */
export const readKratosCourier = (
  body: unknown,
  settings: { readonly lifetimeSeconds: number },
): RelayRead => {
  if (!isRecord(body)) return { problem: 'the body must be an object' };
  const type = textOf(body, 'template_type') ?? '';
  if (silent.test(type)) return { requests: [] };
  const template = Object.hasOwn(templates, type) ? templates[type as keyof typeof templates] : undefined;
  if (template === undefined) return { problem: `template_type ${JSON.stringify(type)} is not known` };
  const data = isRecord(body['template_data']) ? { ...body['template_data'], ...body } : body;
  const first = (...names: readonly string[]): string | undefined =>
    names.map((name) => textOf(data, name)).find((text) => text !== undefined);
  const to = first('recipient', 'to');
  const link = first('recovery_url', 'verification_url') ?? null;
  const code = first('recovery_code', 'verification_code', 'login_code', 'registration_code') ?? null;
  if (to === undefined) return { problem: 'recipient is required' };
  if (link === null && code === null) return { problem: `a ${type} needs a code or a URL` };
  if (code !== null && !/^\d{4,10}$/.test(code)) return { problem: 'the code must be 4 to 10 digits' };
  if (link !== null && !/^https?:\/\//.test(link)) return { problem: 'the URL must be http or https' };
  return {
    requests: [
      {
        channel: 'email',
        to,
        template,
        link,
        code,
        name: null,
        locale: first('locale') ?? null,
        lifetimeSeconds: settings.lifetimeSeconds,
      },
    ],
  };
};
