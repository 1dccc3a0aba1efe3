import { organizationSettingNames } from '@reconfirm/core/config/organization-settings';
import { Type } from 'typebox';
import { oneLine } from './schemas.ts';

const closed = { additionalProperties: false } as const;
const Name = Type.String({ pattern: oneLine, minLength: 1, maxLength: 100 });
const Slug = Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$', examples: ['acme'] });
const names = organizationSettingNames.join(', ');

const Value = Type.String({ pattern: oneLine, maxLength: 2048 });

const Settings = Type.Record(Type.String(), Value, {
  description: `Any of ${names}`,
  examples: [{ BRAND_NAME: 'Acme', DEFAULT_LOCALE: 'de' }],
});

export const NewOrganization = Type.Object(
  { slug: Slug, name: Name, settings: Type.Optional(Settings) },
  closed,
);

export const OrganizationPatch = Type.Object(
  {
    name: Type.Optional(Name),
    settings: Type.Optional(
      Type.Record(Type.String(), Type.Union([Value, Type.Null()]), {
        description: `Any of ${names}; null takes one back`,
      }),
    ),
  },
  closed,
);

const Organization = Type.Object({
  id: Type.String(),
  slug: Type.Union([Type.String(), Type.Null()]),
  name: Type.String(),
  settings: Type.Record(Type.String(), Type.String()),
  createdAt: Type.String({ format: 'date-time' }),
  updatedAt: Type.String({ format: 'date-time' }),
});

export const OrganizationAnswer = Type.Object({ ok: Type.Literal(true), organization: Organization });
export const OrganizationsAnswer = Type.Object({
  ok: Type.Literal(true),
  organizations: Type.Array(Organization),
});
