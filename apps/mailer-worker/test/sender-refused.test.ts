import { randomBytes } from 'node:crypto';
import { uuidV7 } from '@reconfirm/core/message-id';
import { createOrganization, updateOrganization } from '@reconfirm/db/organizations';
import type { SMTPServerOptions } from 'smtp-server';
import { expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import { askOps, readMetric } from './support/ops-port.ts';
import { register } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';

const open = 'reconfirm_provider_open{channel="email",provider="smtp"}';
/** Rests between probes are 5 and 15 s; the rest is a busy machine. */
const slowMs = 60_000;

const refused = 'reconfirm_senders_refused{channel="email",provider="smtp"}';

/** Takes no mail from the address, as a provider does that has not verified its domain. */
const refusing = (address: string): SMTPServerOptions => ({
  onMailFrom: (from, _session, callback) => {
    if (from.address.toLowerCase() === address)
      callback(Object.assign(new Error('5.7.1 this domain is not verified'), { responseCode: 550 }));
    else callback();
  },
});

const make = async (
  scene: Scene,
  slug: string,
  settings: Readonly<Record<string, string>>,
): Promise<string> => {
  const id = uuidV7(Date.now(), randomBytes(10));
  await createOrganization(scene.db, { id, slug, name: slug, settings });
  return id;
};

const attempted = (scene: Scene, messageId: string): Promise<unknown> =>
  eventually(
    'the attempt is recorded',
    async () => (await scene.attempts(messageId))[0]?.result === 'misconfigured',
    slowMs,
  );

test(
  'an organization whose own sender is refused waits alone: all others are delivered, and the operator reads which it is',
  async () => {
    await using inbox = await startInbox(refusing('hello@acme.example'));
    await using scene = await openScene(inbox.url);
    const acme = await make(scene, 'acme', { MAIL_FROM: 'Acme <hello@acme.example>' });
    const globex = await make(scene, 'globex', { MAIL_FROM: 'Globex <hello@globex.example>' });
    const first = await register(scene.db, 'first@example.org', { organizationId: acme });
    const worker = await scene.start();
    await scene.ring(first.messageId);
    await attempted(scene, first.messageId);

    const others = [
      await register(scene.db, 'other@example.org', { organizationId: globex }),
      await register(scene.db, 'third@example.org'),
    ];
    const second = await register(scene.db, 'second@example.org', { organizationId: acme });
    await scene.ring(second.messageId, ...others.map(({ messageId }) => messageId));
    for (const { messageId } of others)
      expect(await scene.settled(messageId, slowMs)).toMatchObject({ status: 'sent' });
    await eventually(
      'the second is put off',
      async () => (await scene.message(second.messageId)).reason === 'sender_refused',
      slowMs,
    );

    const ready = await askOps(worker, '/readyz');
    expect(ready.status).toBe(200);
    expect(ready.body).toContain(`smtp refuses the sender of organization ${acme} (sender_refused)`);
    expect([await readMetric(worker, open), await readMetric(worker, refused)]).toEqual([1, 1]);
    expect(scene.lines).toContainEqual(
      expect.objectContaining({ msg: 'sender.changed', organizationId: acme, open: false, level: 50 }),
    );

    // Once it is mended the messages go, each once.
    await updateOrganization(scene.db, acme, {
      name: 'acme',
      settings: { MAIL_FROM: 'Acme <mail@acme.example>' },
    });
    for (const { messageId } of [first, second])
      expect(await scene.settled(messageId, slowMs)).toMatchObject({ status: 'sent', failures: 0 });
    expect(await readMetric(worker, refused)).toBe(0);
    expect((await askOps(worker, '/readyz')).body).not.toContain(acme);
    expect(inbox.mails).toHaveLength(4);
  },
  3 * slowMs,
);

test(
  'the installation’s own sender closes the way for everybody, also where an organization spells it out',
  async () => {
    await using inbox = await startInbox(refusing('no-reply@mail.example.com'));
    await using scene = await openScene(inbox.url);
    const acme = await make(scene, 'acme', { MAIL_FROM: 'Acme <No-Reply@mail.example.com>' });
    const { messageId } = await register(scene.db, 'first@example.org', { organizationId: acme });
    const worker = await scene.start({ MAIL_FROM: 'Reconfirm <no-reply@mail.example.com>' });
    await scene.ring(messageId);
    await attempted(scene, messageId);
    expect(await scene.message(messageId)).toMatchObject({ reason: 'sender_refused', failures: 0 });
    expect((await askOps(worker, '/readyz')).body).toContain('smtp refuses our set-up (sender_refused)');
    expect([await readMetric(worker, open), await readMetric(worker, refused)]).toEqual([0, 0]);
  },
  2 * slowMs,
);
