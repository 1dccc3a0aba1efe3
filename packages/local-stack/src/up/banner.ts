import type { Ports } from './choose-ports.ts';

export type BannerFacts = {
  ports: Ports;
  /** Undefined when the person brought one. */
  adminKey: string | undefined;
  usesOwnMailServer: boolean;
};

/** What a person needs next: addresses, a key, and a line to paste. */
export const banner = ({ ports, adminKey, usesOwnMailServer }: BannerFacts): string => {
  const address = `http://localhost:${ports.api}`;
  const inbox = `http://localhost:${ports.inboxHttp}`;
  return `
Reconfirm is running.

  Try it     ${address}/
  API docs   ${address}/docs
  Inbox      ${usesOwnMailServer ? `${inbox}/ (unused: SMTP_URL names a server of yours)` : `${inbox}/`}
  Admin key  ${adminKey ?? 'the one in ADMIN_KEY'}

  curl -sS ${address}/v1/register -H 'content-type: application/json' -d '{"email":"ada@example.com","name":"Ada"}'

Data and logs are in .reconfirm and stay there; \`npm start -- --fresh\` begins anew. Ctrl-C stops everything.`;
};
