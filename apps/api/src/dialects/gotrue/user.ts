import type { Destination } from '@reconfirm/core/destination';
import type { AccountProfile } from '@reconfirm/db/account-profile';
import type { UserAnswer } from './schemas.ts';

/** GoTrue writes numbers without the plus. */
const phoneOf = (phone: string | null): string => phone?.replace(/^\+/, '') ?? '';

const appMetadataOf = (channels: readonly ('email' | 'phone')[]): UserAnswer['app_metadata'] => ({
  provider: channels[0] ?? 'email',
  providers: [...channels],
});

const instant = <K extends string>(name: K, at: Date | null): { [P in K]?: string } =>
  (at === null ? {} : { [name]: at.toISOString() }) as { [P in K]?: string };

/** An account in GoTrue's words. */
export const userOf = (profile: AccountProfile): UserAnswer => {
  const proved = [profile.emailVerifiedAt, profile.phoneVerifiedAt].filter((at) => at !== null);
  const confirmedAt = proved.toSorted((a, b) => a.getTime() - b.getTime())[0] ?? null;
  return {
    id: profile.id,
    aud: 'authenticated',
    role: 'authenticated',
    email: profile.email ?? '',
    ...instant('email_confirmed_at', profile.emailVerifiedAt),
    phone: phoneOf(profile.phone),
    ...instant('phone_confirmed_at', profile.phoneVerifiedAt),
    ...instant('confirmed_at', confirmedAt),
    ...(profile.newEmail === null ? {} : { new_email: profile.newEmail }),
    ...(profile.newPhone === null ? {} : { new_phone: phoneOf(profile.newPhone) }),
    ...instant('last_sign_in_at', profile.lastSignedInAt),
    app_metadata: appMetadataOf([
      ...(profile.email === null ? [] : (['email'] as const)),
      ...(profile.phone === null ? [] : (['phone'] as const)),
    ]),
    user_metadata: { ...profile.metadata },
    identities: [],
    created_at: profile.createdAt.toISOString(),
    updated_at: profile.updatedAt.toISOString(),
    is_anonymous: false,
  };
};

/**
 * The user that a sign-up answers: made from what was asked and nothing else, so that it is the same for a
 * new address and for one that has an account.
 */
export const signedUpUser = (asked: {
  readonly id: string;
  readonly destination: Destination;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly at: Date;
}): UserAnswer => {
  const { channel, address } = asked.destination;
  const at = asked.at.toISOString();
  return {
    id: asked.id,
    aud: 'authenticated',
    role: 'authenticated',
    email: channel === 'email' ? address : '',
    phone: channel === 'sms' ? phoneOf(address) : '',
    confirmation_sent_at: at,
    app_metadata: appMetadataOf([channel === 'email' ? 'email' : 'phone']),
    user_metadata: { ...asked.metadata },
    identities: [],
    created_at: at,
    updated_at: at,
    is_anonymous: false,
  };
};
