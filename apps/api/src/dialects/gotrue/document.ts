import type { ContractDocument } from '../../documentation.ts';

export const gotrueDocument: ContractDocument = {
  name: 'gotrue',
  title: 'Reconfirm: the GoTrue-shaped contract',
  description:
    'What GoTrue clients (auth-js and its kin) speak, under /auth/v1: sign-up, one-time codes, resend, recovery, verification and sessions. Errors are {code, error_code, msg}, or {code, message} with X-Supabase-Api-Version: 2024-01-01.',
  tags: [
    { name: 'Messages', description: 'Public. They answer alike for every address and number.' },
    { name: 'Verification', description: 'Links and codes, by page or by call.' },
    { name: 'Sessions' },
    { name: 'User', description: 'With an access token.' },
    { name: 'Service', description: 'With ADMIN_KEY or the API key of an organization.' },
    { name: 'Info' },
  ],
  securitySchemes: {
    accessToken: { type: 'http', scheme: 'bearer', description: 'The access token of a session' },
    serviceKey: {
      type: 'http',
      scheme: 'bearer',
      description: 'ADMIN_KEY, or the API key of an organization with the scope accounts:write',
    },
  },
};
