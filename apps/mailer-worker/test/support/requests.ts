import { randomBytes } from 'node:crypto';
import { keyedHash } from '@reconfirm/core/keyed-hash';
import { uuidV7 } from '@reconfirm/core/message-id';
import { Secret } from '@reconfirm/core/secret';
import { acceptMessages, type MessageRequest } from '@reconfirm/db/accept-messages';
import { registerAccount } from '@reconfirm/db/accounts';
import type { Database } from '@reconfirm/db/database';
import { defaultOrganizationId } from '@reconfirm/db/schema';

export const hashKey = new Secret(Buffer.alloc(32, 7).toString('base64'));

export interface RequestDetails {
  readonly purpose?: string;
  readonly locale?: string;
  readonly redirectUrl?: string;
  /** The installation's own organization unless given. */
  readonly organizationId?: string;
}

const newId = (): string => uuidV7(Date.now(), randomBytes(10));

const addressKeyOf = (email: string, organizationId: string = defaultOrganizationId): Buffer =>
  keyedHash(hashKey, 'address', organizationId, email);

/** The row of a request as the API would write it. */
export const makeRequest = (email: string, details: RequestDetails = {}): MessageRequest => {
  const { purpose = 'signup', organizationId = defaultOrganizationId } = details;
  return {
    id: newId(),
    organizationId,
    subjectKey: keyedHash(hashKey, 'subject', organizationId, purpose, email),
    addressKey: addressKeyOf(email, organizationId),
    limitKey: keyedHash(hashKey, 'limit', organizationId, purpose, email),
    ipKey: keyedHash(hashKey, 'ip', '192.0.2.1'),
    purpose,
    channel: 'email',
    contract: 'v1',
    locale: details.locale ?? null,
    redirectUrl: details.redirectUrl ?? null,
    idempotency: null,
  };
};

export interface AccountChoices extends RequestDetails {
  readonly name?: string;
  readonly accountRedirectUrl?: string;
}

/** Registers an account, which asks for its first message; resolves with the ids of both. */
export const register = async (
  db: Database,
  email: string,
  choices: AccountChoices = {},
): Promise<{ readonly accountId: string; readonly messageId: string }> => {
  const request = makeRequest(email, choices);
  const account = await registerAccount(
    db,
    {
      id: newId(),
      organizationId: request.organizationId,
      email,
      emailKey: addressKeyOf(email, request.organizationId),
      name: choices.name ?? null,
      locale: null,
      redirectUrl: choices.accountRedirectUrl ?? null,
    },
    { id: newId(), secretHash: randomBytes(32) },
    request,
  );
  if (account === null || account === 'charge_forgotten') throw new Error(`${email} was not registered`);
  return { accountId: account.id, messageId: request.id };
};

/** Asks for another message to an address, registered or not; resolves with its id. */
export const resend = async (db: Database, email: string, details: RequestDetails = {}): Promise<string> => {
  const request = makeRequest(email, details);
  await acceptMessages(db, [request]);
  return request.id;
};

/** Registers many accounts at once; resolves with the ids of their messages. */
export const registerMany = async (
  db: Database,
  count: number,
  name = 'reader',
  purpose = 'signup',
): Promise<readonly string[]> => {
  const emails = Array.from({ length: count }, (_, index) => `${name}-${index}@example.org`);
  await db
    .insertInto('accounts')
    .values(
      emails.map((email) => ({
        id: newId(),
        organization_id: defaultOrganizationId,
        email,
        email_key: addressKeyOf(email),
      })),
    )
    .execute();
  const requests = emails.map((email) => makeRequest(email, { purpose }));
  await acceptMessages(db, requests);
  return requests.map(({ id }) => id);
};
