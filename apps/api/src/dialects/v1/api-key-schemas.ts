import { Type } from 'typebox';
import { scopes } from '@reconfirm/core/scopes';
import { Id, Instant, nullable, oneLine } from './schemas.ts';

const Scope = Type.Enum([...scopes], { description: 'One thing that the key may do' });
const OrganizationId = Type.String({
  ...Id,
  description: 'Left out: the default organization of the installation',
});

export const ApiKeyBody = Type.Object(
  {
    name: Type.String({
      pattern: oneLine,
      minLength: 1,
      maxLength: 100,
      description: 'What the key is for, for the list',
    }),
    scopes: Type.Array(Scope, { minItems: 1, maxItems: scopes.length, uniqueItems: true }),
    organizationId: Type.Optional(OrganizationId),
  },
  { additionalProperties: false },
);

export const ApiKeysQuery = Type.Object(
  { organizationId: Type.Optional(OrganizationId) },
  { additionalProperties: false },
);

const ApiKey = Type.Object({
  id: Type.String(),
  organizationId: Type.String(),
  name: nullable(Type.String()),
  scopes: Type.Array(Scope),
  lastFour: nullable(Type.String({ description: 'The end of the key' })),
  createdAt: Instant,
  revokedAt: nullable(Instant),
});

export const ApiKeyAnswer = Type.Object({ ok: Type.Literal(true), key: ApiKey });
export const NewApiKeyAnswer = Type.Object({
  ok: Type.Literal(true),
  key: ApiKey,
  apiKey: Type.String({ description: 'Shown once; send it as `Authorization: Bearer <apiKey>`' }),
});
export const ApiKeysAnswer = Type.Object({ ok: Type.Literal(true), keys: Type.Array(ApiKey) });
