import { readdir, readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { supportedLocales } from '@reconfirm/core/locale';
import { buttonColours } from '../src/render-brand.ts';
import { contrastOf, darkPalette, lightPalette, type Palette } from '../src/render-palette.ts';
import { templateNames } from '../src/render-request.ts';
import { createRenderer } from '../src/render.ts';
import { fullMails, link } from './support/mail-samples.ts';

/** What a mail program makes of a colour that it inverts by force. */
const invert = (colour: string): string =>
  `#${(0xffffff - Number.parseInt(colour.slice(1), 16)).toString(16).padStart(6, '0')}`;

const invertAll = (palette: Palette): Palette => ({
  page: invert(palette.page),
  card: invert(palette.card),
  text: invert(palette.text),
  muted: invert(palette.muted),
  link: invert(palette.link),
  button: invert(palette.button),
  buttonText: invert(palette.buttonText),
});

describe.each([
  ['light', lightPalette],
  ['dark', darkPalette],
  ['light, inverted by force', invertAll(lightPalette)],
  ['dark, inverted by force', invertAll(darkPalette)],
])('%s', (_scheme, palette) => {
  test.each([
    ['text', 'card'],
    ['text', 'page'],
    ['muted', 'card'],
    ['muted', 'page'],
    ['link', 'card'],
    ['link', 'page'],
    ['buttonText', 'button'],
  ] as const)('%s on %s has a contrast of 4.5:1 or more', (front, back) => {
    expect(contrastOf(palette[front], palette[back])).toBeGreaterThanOrEqual(4.5);
  });
});

test('the contrast is computed as WCAG says', () => {
  expect(contrastOf('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrastOf('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
});

const renderer = await createRenderer({ brand: { name: 'Acme' }, supportedLocales });

test('templates take every colour from the palette or the brand', async () => {
  const folder = new URL('../src/templates/', import.meta.url);
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.mjml'));
  expect(files.length).toBeGreaterThan(templateNames.length);
  for (const file of files)
    expect(await readFile(new URL(file, folder), 'utf8'), file).not.toMatch(/#[0-9a-f]{3,8}\b|rgba?\(/i);
});

test.each(templateNames)('%s has the colours of both schemes and no other', (name) => {
  const { html } = renderer.render({ ...fullMails[name], locale: 'en' });
  const known = new Set([lightPalette, darkPalette].flatMap((palette) => Object.values(palette)));
  const used = new Set(html.match(/#[0-9a-f]{6}\b/gi));
  expect(used).toEqual(known);
});

describe('the button of a brand', () => {
  const ours = {
    light: lightPalette.button,
    lightText: lightPalette.buttonText,
    dark: darkPalette.button,
    darkText: darkPalette.buttonText,
  };

  test.each([
    ['no colour', {}, ours],
    ['too little contrast', { buttonColor: '#888888', buttonTextColor: '#ffffff' }, ours],
    ['no colour at all', { buttonColor: 'red' }, ours],
    ['three digits', { buttonColor: '#f00' }, ours],
    ['more than a colour', { buttonColor: '#112233;background:url(x)' }, ours],
    ['a text colour that is none', { buttonColor: '#112233', buttonTextColor: 'white' }, ours],
    ['a text colour alone', { buttonTextColor: '#ffffff' }, ours],
    [
      'green with white',
      { buttonColor: '#0B7A3B', buttonTextColor: '#FFFFFF' },
      { light: '#0b7a3b', lightText: '#ffffff', dark: '#ffffff', darkText: '#0b7a3b' },
    ],
    [
      'yellow without a text colour',
      { buttonColor: '#ffcc00' },
      { light: '#000000', lightText: '#ffcc00', dark: '#ffcc00', darkText: '#000000' },
    ],
    [
      'black, which nobody would find on a dark card',
      { buttonColor: '#000000' },
      { light: '#000000', lightText: '#ffffff', dark: '#ffffff', darkText: '#000000' },
    ],
  ])('with %s', (_name, colours, expected) => {
    expect(buttonColours({ name: 'x', ...colours })).toEqual(expected);
  });

  test('can be read and found in both schemes, whatever was asked for', () => {
    const colour = fc
      .integer({ min: 0, max: 0xffffff })
      .map((value) => `#${value.toString(16).padStart(6, '0')}`);
    fc.assert(
      fc.property(colour, fc.option(colour, { nil: undefined }), (buttonColor, buttonTextColor) => {
        const found = buttonColours({ name: 'x', buttonColor, buttonTextColor });
        expect(contrastOf(found.light, found.lightText)).toBeGreaterThanOrEqual(4.5);
        expect(contrastOf(found.dark, found.darkText)).toBeGreaterThanOrEqual(4.5);
        expect(contrastOf(found.light, lightPalette.card)).toBeGreaterThanOrEqual(3);
        // Ours in the dark is 2.8:1 to its card, as it was: the words on it carry it.
        if (found.dark !== darkPalette.button)
          expect(contrastOf(found.dark, darkPalette.card)).toBeGreaterThanOrEqual(3);
      }),
      { numRuns: 2000 },
    );
  });

  test('is in the mail, in the light and in the dark, and ours is gone', () => {
    const brand = { name: 'Acme', buttonColor: '#0b7a3b', supportUrl: 'https://help.example.com/"x' };
    const { html, text } = renderer.render({ ...fullMails.signup, locale: 'ar', brand });
    expect(html).toMatch(/bgcolor="#0b7a3b"/);
    expect(html).toMatch(/\.button a \{[^}]*background: ?#ffffff !important[^}]*color: ?#0b7a3b !important/);
    expect(html).not.toContain(darkPalette.button);
    expect(html).toContain('href="https://help.example.com/%22x"');
    expect(text.split('\n')).toContain('https://help.example.com/%22x');
  });
});

describe('the logo of a brand', () => {
  const render = (brand: { logoUrl?: string; logoDarkUrl?: string }): string =>
    renderer.render({
      template: 'signup',
      locale: 'en',
      brand: { name: 'A "B" <c>', ...brand },
      values: { link, lifetimeSeconds: 60, policy: 'newest_only' },
    }).html;
  const imagesOf = (html: string): string[] => html.match(/<img[^>]*>/g) ?? [];

  test('stands in place of the name, which it says to those who do not see it', () => {
    const [image, ...others] = imagesOf(render({ logoUrl: 'https://cdn.example.com/logo.png' }));
    expect(others).toEqual([]);
    expect(image).toContain('src="https://cdn.example.com/logo.png"');
    expect(image).toContain('alt="A &#34;B&#34; &lt;c&gt;"');
  });

  test('has one for the dark where there is one', () => {
    const html = render({
      logoUrl: 'https://cdn.example.com/l.png',
      logoDarkUrl: 'https://cdn.example.com/d.png',
    });
    expect(imagesOf(html)).toHaveLength(2);
    expect(imagesOf(html)[1]).toMatch(/class="logo-dark"[^>]*d\.png[^>]*display:none/);
    expect(html).toMatch(/\.logo-light\.has-dark \{ display: none !important/);
  });

  test.each(['http://cdn.example.com/x.png', 'javascript:alert(1)', 'data:image/png;base64,x', 'x.png', ''])(
    '%j is left out',
    (logoUrl) => {
      const html = render({ logoUrl, logoDarkUrl: 'https://cdn.example.com/d.png' });
      expect(imagesOf(html)).toEqual([]);
      expect(html).toContain('A &#34;B&#34; &lt;c&gt;');
    },
  );
});
