import { randomBytes } from 'node:crypto';
import { uuidV7 } from '@reconfirm/core/message-id';
import { hashToken } from '@reconfirm/core/token';
import { createOrganization, updateOrganization } from '@reconfirm/db/organizations';
import { expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { confirm } from './support/confirm.ts';
import { eventually } from './support/eventually.ts';
import { linkIn, tokenIn } from './support/mail-token.ts';
import { register, resend } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';

/** Makes an organization and returns its id. */
const make = async (
  scene: Scene,
  slug: string,
  settings: Readonly<Record<string, string>>,
): Promise<string> => {
  const id = uuidV7(Date.now(), randomBytes(10));
  await createOrganization(scene.db, { id, slug, name: slug, settings });
  return id;
};

test('one person in two organizations gets the mail of each in its own name, sender, language and page; neither ends the other’s link', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const [acme, globex] = [
    await make(scene, 'acme', {
      MAIL_FROM: 'Acme <hello@acme.example>',
      MAIL_REPLY_TO: 'help@acme.example',
      DEFAULT_LOCALE: 'es',
      REDIRECT_ORIGINS: 'https://acme.example',
    }),
    await make(scene, 'globex', { MAIL_FROM: 'Globex <hello@globex.example>' }),
  ];
  const email = 'ada@example.org';
  const redirectUrl = 'https://acme.example/verify';
  const first = await register(scene.db, email, { organizationId: acme, redirectUrl });
  const second = await register(scene.db, email, { organizationId: globex, redirectUrl });
  await scene.start();
  await scene.ring(first.messageId, second.messageId);
  await scene.settled(first.messageId);
  await scene.settled(second.messageId);

  const mailFrom = (address: string) => inbox.mails.find((mail) => mail.email.from?.address === address);
  const [ofAcme, ofGlobex] = [mailFrom('hello@acme.example'), mailFrom('hello@globex.example')];
  expect(inbox.mails).toHaveLength(2);
  expect(ofAcme?.email.replyTo?.[0]?.address).toBe('help@acme.example');
  expect(ofAcme?.email.html).toContain('lang="es"');
  expect(ofGlobex?.email.html).toContain('lang="en"');
  expect(linkIn(ofAcme).origin).toBe('https://acme.example');
  // Acme's page is not on Globex's list, so no token of Globex goes there.
  expect(linkIn(ofGlobex).origin).toBe('https://verify.example.com');
  for (const [mail, accountId] of [
    [ofAcme, first.accountId],
    [ofGlobex, second.accountId],
  ] as const)
    expect(await confirm(scene.db, hashToken(tokenIn(mail)))).toMatchObject({ state: 'live', accountId });
});

test('a sender that is changed while the worker runs is used within seconds', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const organizationId = await make(scene, 'moving', { MAIL_FROM: 'Before <mail@before.example>' });
  const email = 'bob@example.org';
  const { messageId } = await register(scene.db, email, { organizationId });
  await scene.start();
  await scene.ring(messageId);
  await scene.settled(messageId);
  expect(inbox.mails[0]?.email.from?.address).toBe('mail@before.example');
  await updateOrganization(scene.db, organizationId, {
    name: 'moving',
    settings: { MAIL_FROM: 'After <mail@after.example>' },
  });
  await eventually(
    'mail comes from the new sender',
    async () => {
      const id = await resend(scene.db, email, { organizationId });
      await scene.ring(id);
      await scene.settled(id);
      return inbox.mails.at(-1)?.email.from?.address === 'mail@after.example';
    },
    15_000,
  );
});
