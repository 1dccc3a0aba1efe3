import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { darkPalette, lightPalette, type Palette } from '../src/render-palette.ts';
import { availableLocales, createRenderer, templateNames } from '../src/render.ts';

/** Relative luminance (WCAG 2.2, "relative luminance"). */
const luminanceOf = (colour: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((start) => Number.parseInt(colour.slice(start, start + 2), 16) / 255)
    .map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

const contrastOf = (one: string, other: string): number => {
  const [light = 0, dark = 0] = [luminanceOf(one), luminanceOf(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};

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
    ['buttonText', 'button'],
  ] as const)('%s on %s has a contrast of 4.5:1 or more', (front, back) => {
    expect(contrastOf(palette[front], palette[back])).toBeGreaterThanOrEqual(4.5);
  });
});

test('the contrast is computed as WCAG says', () => {
  expect(contrastOf('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrastOf('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
});

test.each(templateNames)('%s takes every colour from the palette', async (name) => {
  const source = await readFile(new URL(`../src/templates/${name}.mjml`, import.meta.url), 'utf8');
  expect(source).not.toMatch(/#[0-9a-f]{3,8}\b|rgba?\(/i);
  const renderer = await createRenderer({ brand: { name: 'x' }, supportedLocales: availableLocales });
  const values = { link: 'https://a.example/', lifetimeSeconds: 60 };
  const { html } = renderer.render({ template: name, locale: 'en', values });
  for (const palette of [lightPalette, darkPalette]) {
    for (const colour of Object.values(palette)) expect(html).toContain(colour);
  }
});
