import type { FastifyRequest } from 'fastify';
import { type EmailAddress, type EmailIdentity, parseEmailAddress } from '@reconfirm/core/account';
import type { Inviter } from '@reconfirm/core/invitation';
import { canonicalLocale } from '@reconfirm/core/locale';
import type { Scope } from '@reconfirm/core/scopes';
import { allowedAdministrator } from './answers.ts';
import type { EntryguardDependencies } from './dependencies.ts';
import { invalidField } from './errors.ts';

/** Reading is part of writing: a key that may change users may look at them. */
const scopesOf = {
  read: ['accounts:read', 'accounts:write'],
  write: ['accounts:write'],
} as const satisfies Record<string, readonly Scope[]>;

/** The administrator who asks, or a 401 or 403. */
export const readAdministrator = async (
  deps: Pick<EntryguardDependencies, 'authorize'>,
  request: FastifyRequest,
  access: keyof typeof scopesOf,
): Promise<{ readonly organizationId: string; readonly actor: Inviter }> => {
  const apiKey = request.headers['x-api-key'];
  return allowedAdministrator(
    await deps.authorize(
      {
        authorization: request.headers.authorization,
        apiKey: Array.isArray(apiKey) ? apiKey[0] : apiKey,
      },
      scopesOf[access],
    ),
  );
};

/** The address, or a 400 that names the field. */
export const readEmail = (text: string, identity: EmailIdentity): EmailAddress => {
  const email = parseEmailAddress(text, identity);
  if (email === undefined) throw invalidField('email', 'must be a well-formed email address');
  return email;
};

/** Without white space around it; a name of nothing is none. */
export const readName = (text: string | null | undefined): string | null => {
  const name = text?.trim() ?? '';
  return name === '' ? null : name;
};

/** The canonical tag, null when none was given, or a 400. */
export const readLocale = (tag: string | null | undefined): string | null => {
  if (tag === null || tag === undefined || tag === '') return null;
  const canonical = canonicalLocale(tag);
  if (canonical === undefined) throw invalidField('locale', 'must be a BCP 47 language tag like es or pt-BR');
  return canonical;
};

/** ISO 8601 with a time zone (RFC 3339); anything that a Date alone would guess at is a 400. */
export const readInstant = (text: string, field: string): Date => {
  const wellFormed = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i.test(text);
  const instant = new Date(text);
  if (!wellFormed || Number.isNaN(instant.getTime()))
    throw invalidField(field, 'must be an ISO 8601 instant like 2030-01-31T12:00:00Z');
  return instant;
};
