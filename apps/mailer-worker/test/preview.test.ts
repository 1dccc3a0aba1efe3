import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { supportedLocales } from '@reconfirm/core/locale';
import { hashToken } from '@reconfirm/core/token';
import { createOrganization } from '@reconfirm/db/organizations';
import { readToken } from '@reconfirm/db/token-state';
import { beforeAll, describe, expect, test } from 'vitest';
import { sampleToken } from '../src/preview/preview-content.ts';
import {
  type Preview,
  previewable,
  previewMessage,
  type PreviewRequest,
} from '../src/preview/preview-message.ts';
import { inTheme } from '../src/preview/preview-theme.ts';
import { templateNames } from '../src/render-request.ts';
import { createRenderer, type Renderer } from '../src/render.ts';
import { startInbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import { askOps } from './support/ops-port.ts';
import { register } from './support/requests.ts';
import { runMain } from './support/run-main.ts';
import { openScene } from './support/scene.ts';

type MailPreview = Extract<Preview, { channel: 'email' }>;

describe('a preview', () => {
  let renderer: Renderer;
  beforeAll(async () => {
    renderer = await createRenderer({ brand: { name: 'Acme' }, supportedLocales });
  });
  const preview = (request: PreviewRequest): Preview =>
    previewMessage(request, {
      renderer,
      publicUrl: 'https://verify.example.com',
      supportedLocales,
      sender: {
        brand: { name: 'Acme & Söhne' },
        from: { name: 'Acme', address: 'hello@acme.example' },
        defaultLocale: 'en',
      },
      policies: {
        lifetimes: new Map([['signup', { linkSeconds: 7200, codeSeconds: 600 }]]),
        liveTokens: new Map(),
        sendWithin: new Map(),
      },
    });

  test.each(previewable)('of %s is there in every language', (purpose) => {
    for (const locale of supportedLocales) {
      const made = preview({ purpose, locale });
      expect(made.locale).toBe(locale);
      expect(made.text.length).toBeGreaterThan(20);
      if (made.channel === 'email')
        expect(made.html).toMatch(
          new RegExp(`<html[^>]* lang="${locale}" dir="${['ar', 'he'].includes(locale) ? 'rtl' : 'ltr'}"`),
        );
    }
  });

  test.each(templateNames)(
    'of %s is what is sent, and in one theme the same with the preference answered',
    (purpose) => {
      const [sent, light, dark] = (['auto', 'light', 'dark'] as const).map(
        (theme) => (preview({ purpose, theme }) as MailPreview).html,
      );
      expect(sent).toContain('prefers-color-scheme');
      for (const html of [light, dark]) expect(html).not.toMatch(/prefers-color-scheme|light dark/);
      expect(dark).toContain('@media all');
      expect(light).toContain('@media not all');
      expect(
        dark
          ?.replaceAll('@media all', '@media not all')
          .replaceAll(/color-scheme(s?)(" content="|: ?)dark/g, 'color-scheme$1$2light'),
      ).toBe(light);
    },
  );

  test('says the lifetimes, the brand and the sender that are set', () => {
    const made = preview({ purpose: 'signup' }) as MailPreview;
    expect(made.from).toBe('Acme <hello@acme.example>');
    expect(made.text).toContain('2 hours');
    expect(made.html).toContain('Acme &amp; Söhne');
  });

  test('of an SMS says what it costs', () =>
    expect(preview({ purpose: 'sms', locale: 'ru' })).toMatchObject({
      channel: 'sms',
      encoding: 'ucs2',
      segments: 1,
    }));

  test('a mail without rules for the dark is no mail of ours', () =>
    expect(() => inTheme('<html></html>', 'dark')).toThrow('dark'));
});

// A process that compiles every template: two seconds of CPU, and many on a busy machine.
describe('the command', { timeout: 90_000 }, () => {
  const run = (args: readonly string[], environment = {}) => runMain(args, environment, 'preview/main.ts');

  test('--help needs no setting and names every purpose, language and theme', async () => {
    await using main = run(['--help']);
    expect(await main.exited).toBe(0);
    for (const word of [...previewable, ...supportedLocales, 'dark']) expect(main.stdout()).toContain(word);
  });

  test('prints subject and text and writes the page, with no setting at all', async () => {
    const out = join(mkdtempSync(join(tmpdir(), 'preview-')), 'mail.html');
    await using main = run(['--', '--purpose', 'signup', '--locale', 'ar', '--theme', 'dark', '--out', out]);
    expect(await main.exited, main.stderr()).toBe(0);
    expect(main.stdout()).toContain('Language: ar');
    expect(readFileSync(out, 'utf8')).toMatch(/<html[^>]* dir="rtl"/);
  });

  test.each([
    [['--purpose', 'nothing'], 'purpose must be one of'],
    [['--purpose', 'signup', '--theme', 'blue'], 'theme must be one of'],
    [['--purpose', 'signup', '--locale', '!'], 'locale must be'],
    [['--purpose', 'signup', '--organization', 'acme'], 'DATABASE_URL'],
    [['--purpose'], '--purpose'],
    [['--nothing'], '--nothing'],
  ])('%j is refused with a sentence and 78', async (args, sentence) => {
    await using main = run(args);
    expect(await main.exited).toBe(78);
    expect(main.stderr()).toContain(sentence);
    expect(main.stderr()).not.toMatch(/\n\s+at /);
  });

  test('shows an organization’s own brand, language and sender, found by its slug', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    await createOrganization(scene.db, {
      id: randomUUID(),
      slug: 'acme',
      name: 'Acme',
      settings: { BRAND_NAME: 'Acme Verify', DEFAULT_LOCALE: 'de', MAIL_FROM: 'Acme <post@acme.example>' },
    });
    await using main = run(['--purpose', 'recovery', '--organization', 'acme'], {
      DATABASE_URL: scene.databaseUrl,
    });
    expect(await main.exited, main.stderr()).toBe(0);
    expect(main.stdout()).toContain('From: Acme <post@acme.example>');
    expect(main.stdout()).toContain('Language: de');
    expect(main.stdout()).toContain('Acme Verify');
    await using other = run(['--purpose', 'recovery', '--organization', 'nobody'], {
      DATABASE_URL: scene.databaseUrl,
    });
    expect(await other.exited).toBe(78);
  });
});

describe('a worker’s /preview', { timeout: 60_000 }, () => {
  const adminKey = 'admin-key-of-the-tests-0123456789';
  const asAdmin = { authorization: `Bearer ${adminKey}` };

  test('shows what an organization’s mail would look like, and its token proves nothing', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    const id = randomUUID();
    await createOrganization(scene.db, {
      id,
      slug: 'acme',
      name: 'Acme',
      settings: { BRAND_NAME: 'Acme Verify' },
    });
    const worker = await scene.start({ ADMIN_KEY: adminKey });
    const { messageId } = await register(scene.db, 'reader@example.org');
    await scene.settled(messageId);
    const made = await eventually('the organization is known', async () => {
      const { body } = await askOps(worker, `/preview?purpose=signup&locale=es&organization=${id}`, asAdmin);
      const found = JSON.parse(body) as MailPreview;
      return found.html.includes('Acme Verify') ? found : undefined;
    });
    expect(made).toMatchObject({ channel: 'email', locale: 'es' });
    expect(made.text).toContain(sampleToken);
    expect(await readToken(scene.db, { by: 'link', tokenHash: hashToken(sampleToken) })).toEqual({
      state: 'unknown',
    });
    const own = await askOps(worker, '/preview?purpose=signup&part=text', asAdmin);
    expect(own.body).not.toContain('Acme');
    const page = await askOps(worker, `/preview?purpose=signup&part=html&theme=dark`, asAdmin);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(inbox.mails, 'nothing was sent').toHaveLength(1);
  });

  test('is for the operator alone, and for nobody where there is no key', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    const [guarded, keyless] = [await scene.start({ ADMIN_KEY: adminKey }), await scene.start()];
    const path = '/preview?purpose=signup';
    expect((await askOps(guarded, path)).status).toBe(401);
    expect(
      (await askOps(guarded, path, { authorization: 'Bearer somebody-else-0123456789012' })).status,
    ).toBe(401);
    expect((await askOps(keyless, path, asAdmin)).status).toBe(401);
    expect((await askOps(guarded, path, asAdmin)).status).toBe(200);
    expect((await askOps(guarded, '/preview?purpose=none', asAdmin)).status).toBe(400);
    for (const organization of [randomUUID(), 'acme', "x'"])
      expect((await askOps(guarded, `${path}&organization=${organization}`, asAdmin)).status).toBe(404);
  });
});
