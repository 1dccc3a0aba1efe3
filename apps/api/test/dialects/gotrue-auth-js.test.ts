import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authClient,
  deliverNewest,
  gotrueSettings,
  listen,
  messagesOf,
  password,
  withoutLimits,
} from '../support/gotrue.ts';
import { handOver } from '../support/hand-over.ts';
import { appOrigin, type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { newEmail, newClient } from '../support/requests.ts';

/** What auth-js gives back must hold no error; the error is shown when it does. */
const good = <R extends { readonly data: unknown; readonly error: unknown }>({
  data,
  error,
}: R): R['data'] => {
  expect(error).toBeNull();
  return data;
};

const errorOf = ({
  error,
}: {
  readonly error: {
    readonly status?: number | undefined;
    readonly code?: unknown;
    readonly message: string;
  } | null;
}) => {
  if (error === null) throw new Error('it was expected to fail');
  return { status: error.status, code: error.code, message: error.message };
};

describe('the published client @supabase/auth-js, as it is', () => {
  let installation: Installation;
  let api: TestApi;
  let origin: string;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ ...gotrueSettings(), ...withoutLimits });
    origin = await listen(api);
  });
  afterAll(() => installation.close());

  const deliver = (purpose: string) => deliverNewest(api, installation.db, purpose);
  const signedUp = async (client = authClient(origin)) => {
    const email = newEmail();
    good(await client.signUp({ email, password }));
    const { code } = await deliver('signup');
    const { session } = good(await client.verifyOtp({ email, token: code, type: 'signup' }));
    if (session === null) throw new Error('no session');
    return { client, email, session };
  };

  it('signs up, confirms by the code of the mail and is signed in', async () => {
    const client = authClient(origin);
    const email = newEmail();
    const { user, session } = good(
      await client.signUp({ email, password, options: { data: { plan: 'free' } } }),
    );
    expect([user?.email, user?.email_confirmed_at, session]).toEqual([email, undefined, null]);
    const { code } = await deliver('signup');
    const verified = good(await client.verifyOtp({ email, token: code, type: 'signup' }));
    expect(verified.user).toMatchObject({ id: user?.id, email, user_metadata: { plan: 'free' } });
    expect(verified.user?.email_confirmed_at).toBeDefined();
    expect(good(await client.getUser()).user).toMatchObject({ id: user?.id, identities: [] });
  });

  it('signs in with the password it signed up with, refreshes, and signs out', async () => {
    const { client, email } = await signedUp();
    const first = good(await client.signInWithPassword({ email, password }));
    const second = good(await client.refreshSession());
    expect(second.session?.refresh_token).not.toBe(first.session?.refresh_token);
    expect(second.user?.id).toBe(first.user?.id);
    expect((await client.signOut()).error).toBeNull();
    const other = authClient(origin);
    await other.setSession({
      access_token: second.session?.access_token ?? '',
      refresh_token: second.session?.refresh_token ?? '',
    });
    expect((await other.getUser(second.session?.access_token)).error?.name).toBe('AuthSessionMissingError');
  });

  it('is told of a wrong password and of an address that is not confirmed', async () => {
    const { client, email } = await signedUp();
    expect(errorOf(await client.signInWithPassword({ email, password: `${password}!` }))).toEqual({
      status: 400,
      code: 'invalid_credentials',
      message: 'Invalid login credentials',
    });
    const pending = newEmail();
    good(await client.signUp({ email: pending, password }));
    // The password counts only once the mail is confirmed that came with it.
    expect(errorOf(await client.signInWithPassword({ email: pending, password })).code).toBe(
      'invalid_credentials',
    );
  });

  it('signs in by one-time code, somebody new as well', async () => {
    const client = authClient(origin);
    const email = newEmail();
    good(await client.signInWithOtp({ email, options: { data: { name: 'Ana' } } }));
    const { code } = await deliver('magiclink');
    const { session } = good(await client.verifyOtp({ email, token: code, type: 'email' }));
    expect(session?.user).toMatchObject({ email, user_metadata: { name: 'Ana' } });
    expect(errorOf(await client.verifyOtp({ email, token: code, type: 'email' }))).toEqual({
      status: 403,
      code: 'otp_expired',
      message: 'Token has expired or is invalid',
    });
  });

  it('confirms by token_hash, for an application with a page of its own', async () => {
    const client = authClient(origin);
    good(await client.signUp({ email: newEmail(), password }));
    const { token } = await deliver('signup');
    const { session } = good(await client.verifyOtp({ token_hash: token, type: 'signup' }));
    expect(session?.access_token).toBeDefined();
  });

  it('asks for the sign-up mail again, and only the newest code works', async () => {
    const client = authClient(origin);
    const email = newEmail();
    good(await client.signUp({ email, password }));
    const older = await deliver('signup');
    good(await client.resend({ type: 'signup', email }));
    const newer = await deliver('signup');
    expect(errorOf(await client.verifyOtp({ email, token: older.code, type: 'signup' })).code).toBe(
      'otp_expired',
    );
    good(await client.verifyOtp({ email, token: newer.code, type: 'signup' }));
    // The mail had no password of its own; the one that was ever offered counts.
    good(await authClient(origin).signInWithPassword({ email, password }));
  });

  it('gets back in without the password and sets a new one, which ends other sessions', async () => {
    const { client, email } = await signedUp();
    const visitor = authClient(origin);
    good(await visitor.resetPasswordForEmail(email));
    const { code } = await deliver('recovery');
    good(await visitor.verifyOtp({ email, token: code, type: 'recovery' }));
    good(await visitor.updateUser({ password: `${password} 2` }));
    expect((await client.getUser()).error?.name).toBe('AuthSessionMissingError');
    good(await authClient(origin).signInWithPassword({ email, password: `${password} 2` }));
    expect(errorOf(await visitor.updateUser({ password: `${password} 2` })).code).toBe('same_password');
  });

  it('changes the address with the word of both sides, and what is kept with the user at once', async () => {
    const { client, email } = await signedUp();
    const next = newEmail();
    const { user } = good(await client.updateUser({ email: next, data: { theme: 'dark' } }));
    expect(user).toMatchObject({ email, new_email: next, user_metadata: { theme: 'dark' } });
    const [currentSide, newSide] = await messagesOf(installation.db, 'email_change');
    expect([newSide?.side, currentSide?.side]).toEqual(['new', 'current']);
    const toNew = await handOver(installation.db, api.config, newSide?.id ?? '');
    const toCurrent = await handOver(installation.db, api.config, currentSide?.id ?? '');
    const half = good(await client.verifyOtp({ email: next, token: toNew.code, type: 'email_change' }));
    expect(half).toEqual({ user: null, session: null });
    const whole = good(await client.verifyOtp({ email, token: toCurrent.code, type: 'email_change' }));
    expect(whole.user).toMatchObject({ email: next });
    expect(whole.session).not.toBeNull();
  });

  it('signs in by SMS code, and registers by number', async () => {
    const client = authClient(origin);
    const phone = '+4520998877';
    const { messageId } = good(await client.signInWithOtp({ phone }));
    expect(messageId).toMatch(/^[0-9a-f-]{36}$/);
    const { code } = await deliver('sms');
    const { user } = good(await client.verifyOtp({ phone, token: code, type: 'sms' }));
    expect(user).toMatchObject({ phone: '4520998877', app_metadata: { provider: 'phone' } });
    const resent = good(await client.resend({ type: 'sms', phone }));
    expect(resent.messageId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('exchanges the code of a PKCE link once', async () => {
    const client = authClient(origin, 'pkce');
    const email = newEmail();
    good(await client.signUp({ email, password, options: { emailRedirectTo: `${appOrigin}/callback` } }));
    const { token } = await deliver('signup');
    const pressed = await fetch(`${origin}/auth/v1/verify/press`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ token }),
    });
    expect(pressed.status).toBe(303);
    const target = new URL(pressed.headers.get('location') ?? '');
    expect(target.origin + target.pathname).toBe(`${appOrigin}/callback`);
    const code = target.searchParams.get('code') ?? '';
    // Somebody who sees the code and has no verifier gets nothing.
    const thief = await fetch(`${origin}/auth/v1/token?grant_type=pkce`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': newClient() },
      body: JSON.stringify({ auth_code: code, code_verifier: 'a'.repeat(43) }),
    });
    expect([thief.status, await thief.json()]).toEqual([
      400,
      expect.objectContaining({ error_code: 'bad_code_verifier' }),
    ]);
    const { session } = good(await client.exchangeCodeForSession(code));
    expect(session?.user.email).toBe(email);
    expect(errorOf(await client.exchangeCodeForSession(code))).toBeDefined();
  });
});
