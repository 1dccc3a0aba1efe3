import type { RelayedTemplate } from '../sealed-content.ts';
import { isRecord, type RelayedRequest, type RelayRead, textOf } from './relayed-request.ts';

/** `email_action_type` of the send-email hook (Supabase, "Send Email Hook"), and the mail of ours that says it. */
const templates = {
  signup: 'signup',
  email: 'signup',
  invite: 'invitation',
  recovery: 'recovery',
  magiclink: 'magiclink',
  reauthentication: 'magiclink',
  email_change: 'email_change',
} as const satisfies Record<string, RelayedTemplate>;

const templateOf = (action: string): RelayedTemplate | undefined =>
  Object.hasOwn(templates, action) ? templates[action as keyof typeof templates] : undefined;

export interface GotrueHookSettings {
  /** The system's own confirmation endpoint, for instance https://auth.example.com/auth/v1/verify. */
  readonly verifyUrl: string;
  readonly lifetimeSeconds: number;
}

/**
 * Reads a call of the send-email hook. A secure change of address brings two credentials whose names are
 * crossed for historical reasons: `token` with `token_hash_new` is for the current address, `token_new` with
 * `token_hash` for the new one (same page, "Email change behavior and token hash mapping").
 */
export const readGotrueEmailHook = (body: unknown, settings: GotrueHookSettings): RelayRead => {
  if (!isRecord(body) || !isRecord(body['user']) || !isRecord(body['email_data']))
    return { problem: 'user and email_data are required' };
  const { user, email_data: data } = body as {
    user: Record<string, unknown>;
    email_data: Record<string, unknown>;
  };
  const action = textOf(data, 'email_action_type') ?? '';
  const template = templateOf(action);
  if (template === undefined) return { problem: `email_action_type ${JSON.stringify(action)} is not known` };
  const shared = {
    channel: 'email' as const,
    name: nameOf(user),
    locale: localeOf(user),
    lifetimeSeconds: settings.lifetimeSeconds,
  };
  const requestFor = (to: string | undefined, code: string | undefined, hash: string | undefined) => ({
    ...shared,
    to: to ?? '',
    template,
    code: code ?? null,
    link:
      hash === undefined || action === 'reauthentication'
        ? null
        : linkOf(settings.verifyUrl, hash, action, data),
  });
  const [hash, hashNew] = [textOf(data, 'token_hash'), textOf(data, 'token_hash_new')];
  const [token, tokenNew] = [textOf(data, 'token'), textOf(data, 'token_new')];
  const newAddress = textOf(user, 'new_email') ?? textOf(user, 'email_new') ?? textOf(user, 'email_change');
  if (template !== 'email_change') return whole([requestFor(textOf(user, 'email'), token, hash)]);
  if (hash !== undefined && hashNew !== undefined)
    return whole([
      { ...requestFor(textOf(user, 'email'), token, hashNew), template: 'email_change_current' },
      requestFor(newAddress, tokenNew, hash),
    ]);
  return whole([requestFor(newAddress ?? textOf(user, 'email'), tokenNew ?? token, hash ?? hashNew)]);
};

/** Reads a call of the send-SMS hook: the code alone. */
export const readGotrueSmsHook = (body: unknown, settings: GotrueHookSettings): RelayRead => {
  if (!isRecord(body) || !isRecord(body['user']) || !isRecord(body['sms']))
    return { problem: 'user and sms are required' };
  const { user, sms } = body as { user: Record<string, unknown>; sms: Record<string, unknown> };
  const phone = textOf(sms, 'phone') ?? textOf(user, 'phone') ?? '';
  return whole([
    {
      channel: 'sms',
      // GoTrue keeps numbers without the plus sign.
      to: phone === '' || phone.startsWith('+') ? phone : `+${phone}`,
      template: 'magiclink',
      link: null,
      code: textOf(sms, 'otp') ?? null,
      name: null,
      locale: localeOf(user),
      lifetimeSeconds: settings.lifetimeSeconds,
    },
  ]);
};

const whole = (requests: readonly RelayedRequest[]): RelayRead => {
  for (const { to, link, code } of requests) {
    if (to === '') return { problem: 'the recipient is missing' };
    if (link === null && code === null) return { problem: 'neither a token nor its hash was given' };
    if (code !== null && !/^\d{4,10}$/.test(code)) return { problem: 'the token must be 4 to 10 digits' };
  }
  return { requests };
};

const linkOf = (
  verifyUrl: string,
  hash: string,
  action: string,
  data: Readonly<Record<string, unknown>>,
): string => {
  const url = new URL(verifyUrl);
  url.searchParams.set('token', hash);
  url.searchParams.set('type', action);
  const redirectTo = textOf(data, 'redirect_to');
  if (redirectTo !== undefined) url.searchParams.set('redirect_to', redirectTo);
  return url.href;
};

const metadataOf = (user: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  isRecord(user['user_metadata']) ? user['user_metadata'] : {};

const nameOf = (user: Readonly<Record<string, unknown>>): string | null =>
  textOf(metadataOf(user), 'full_name') ?? textOf(metadataOf(user), 'name') ?? null;

const localeOf = (user: Readonly<Record<string, unknown>>): string | null =>
  textOf(metadataOf(user), 'locale') ?? null;
