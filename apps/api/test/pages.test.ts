import { Script } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { confirmationPage } from '../src/pages/confirmation-page.ts';
import { demoPage } from '../src/pages/demo-page.ts';
import { html, rawText } from '../src/pages/html.ts';
import { pageHeaders } from '../src/pages/page-headers.ts';
import { pageDark, pageLight, type PagePalette, palettePairs } from '../src/pages/page-palette.ts';
import { formPages, frame, live, nonce, personPages, token } from './support/person-pages.ts';

const allPages = (overrides: Parameters<typeof personPages>[0] = {}): ReadonlyMap<string, string> =>
  new Map([...personPages(overrides), ['demo', demoPage({ ...frame, ...overrides })]]);

const withoutInserted = (source: string): string =>
  source.replace(/<(style|script)\b.*?<\/\1>/gs, '<$1></$1>');

describe('what is inserted is never markup', () => {
  const hostile = `"><img src=x onerror=alert(1)>'</title></style><script>alert(2)</script>&{brand}$&`;

  test.each([...allPages({ brand: hostile, email: hostile, token: hostile })])('%s', (name, source) => {
    const plain = allPages().get(name) ?? '';
    const tagsOf = (text: string) => withoutInserted(text).match(/<\/?[a-z][a-z0-9]*/gi);
    expect(tagsOf(source)).toEqual(tagsOf(plain));
    expect(source).not.toContain(hostile);
    expect(source).toContain('&lt;script&gt;alert(2)&lt;/script&gt;&amp;{brand}$&amp;');
  });

  test('a hostile address and token stay inside their element and attribute', () => {
    const source = confirmationPage({ ...live, email: hostile, token: hostile });
    const escaped = `&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&#39;&lt;/title&gt;&lt;/style&gt;&lt;script&gt;alert(2)&lt;/script&gt;&amp;{brand}$&amp;`;
    expect(source).toContain(`<bdi dir="ltr">${escaped}</bdi>`);
    expect(source).toContain(`name="token" value="${escaped}"`);
  });

  test('a locale from outside names no language that has no page', () => {
    for (const locale of ['"><script>', 'tlh', '', 'x'.repeat(500)]) {
      expect(confirmationPage({ ...live, locale })).toContain('<html lang="en" dir="ltr">');
    }
    expect(confirmationPage({ ...live, locale: 'es-MX' })).toContain('<html lang="es" dir="ltr">');
  });

  test('markup is what the tag made, and nothing that looks like it', () => {
    const inner = html`<b>${'<i>'}</b>`;
    expect(html`<p title="${`"'&`}">${inner}${[inner, inner]}${null}${false}${0}</p>`.toString()).toBe(
      '<p title="&quot;&#39;&amp;"><b>&lt;i&gt;</b><b>&lt;i&gt;</b>\n<b>&lt;i&gt;</b>0</p>',
    );
  });

  test('a style or script that would end its own element is refused', () => {
    for (const source of ['a</script>b', 'a</STYLE>b', 'a<!--b'])
      expect(() => rawText(source)).toThrow('end tag');
  });
});

describe('nothing is loaded from elsewhere', () => {
  test.each([...allPages()])('%s', (_name, source) => {
    expect(source).not.toMatch(/https?:|\burl\(|@import|(?:src|href|action)="\/\//i);
    expect(source).not.toMatch(/\s(?:style|on[a-z]+)="/i);
    const nonces = source.match(/<(?:style|script)\b[^>]*>/g) ?? [];
    expect(nonces.length).toBeGreaterThan(0);
    for (const tag of nonces) expect(tag).toContain(`nonce="${nonce}"`);
  });

  test('the inbox is the only other site that the demo page leads to, and only by http', () => {
    const inboxUrl = 'http://localhost:8025/?a=1&b=2';
    expect(demoPage({ ...frame, inboxUrl }).match(/https?:[^"\s]*/g)).toEqual([
      'http://localhost:8025/?a=1&amp;b=2',
    ]);
    for (const wrong of ['javascript:alert(1)', 'data:text/html,x', 'inbox']) {
      expect(() => demoPage({ ...frame, inboxUrl: wrong })).toThrow(RangeError);
    }
  });

  test('the policy allows what the page has, and no more', () => {
    const headers = (hasScript: boolean) => pageHeaders({ nonce, hasScript });
    expect(headers(false)['content-security-policy']).not.toMatch(/script-src|connect-src|unsafe/);
    expect(headers(true)['content-security-policy']).toContain(
      `script-src 'nonce-${nonce}'; connect-src 'self'`,
    );
    expect(headers(false)).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'strict-origin' });
    for (const wrong of ["x'; script-src *; '", 'short', '']) {
      expect(() => pageHeaders({ nonce: wrong, hasScript: false })).toThrow(RangeError);
    }
  });
});

describe('opening a link confirms nothing', () => {
  test.each([...personPages()])('%s has no script and no refresh', (_name, source) => {
    expect(source).not.toMatch(/<script|http-equiv|<iframe|autofocus/i);
  });

  test.each([...personPages()])('%s has forms only where there is something to do', (name, source) => {
    const actions = [...source.matchAll(/<form method="post" action="([^"]*)"/g)].map(([, action]) => action);
    expect(actions).toEqual(formPages[name] ?? []);
    expect(source.match(/<form/g)?.length ?? 0).toBe(actions.length);
    expect(source.match(/<button[^>]*type="submit"/g)?.length ?? 0).toBe(actions.length);
  });

  test('the form of a live link posts the token, and the link itself leads nowhere', () => {
    const source = confirmationPage(live);
    expect(source).toMatch(/<form method="post" action="\/v1\/verify-email">/);
    expect(source).toContain(`<input type="hidden" name="token" value="${token}"`);
    expect(source).not.toContain(`?token=`);
  });

  test.each([...personPages()])('%s shows the token only to its forms', (name, source) => {
    expect(source.split(token)).toHaveLength((formPages[name]?.length ?? 0) + 1);
  });

  test.each([...personPages()])(
    '%s shows the address only to those who have proved or typed it',
    (name, source) => {
      expect(source.includes('ana@example.com')).toBe(/^(?:live|code$|password (?!set))/.test(name));
    },
  );
});

describe('the demo page', () => {
  const source = demoPage(frame);
  const script = /<script[^>]*>(.*)<\/script>/s.exec(source)?.[1] ?? '';

  test('its script is whole', () => {
    expect(() => new Script(script)).not.toThrow();
  });

  test('every part that the script looks for is on the page, once', () => {
    const wanted = [...script.matchAll(/\b(?:part|find|say|setStep)\(\s*'([a-z-]+)'/g)].map(([, id]) => id);
    expect(wanted.length).toBeGreaterThan(20);
    for (const id of new Set(wanted)) expect(source.split(` id="${id}"`), id).toHaveLength(2);
  });

  test('every control has a name, and every reference leads to a part', () => {
    const markup = withoutInserted(source);
    for (const [, id] of markup.matchAll(/<(?:input|select)\s[^>]*?id="([a-z-]+)"/g)) {
      expect(markup).toContain(`<label for="${id}">`);
    }
    for (const [, id] of markup.matchAll(/aria-(?:labelledby|describedby)="([a-z-]+)"/g)) {
      expect(markup).toContain(` id="${id}"`);
    }
  });

  test('the script calls the public API only, and keeps the key in the tab', () => {
    const paths = [...script.matchAll(/['"`](\/[a-z0-9/-]*)/g)].map(([, path]) => path);
    expect(new Set(paths)).toEqual(
      new Set([
        '/v1/register',
        '/v1/resend-verification',
        '/v1/verification/cooldown',
        '/v1/tenants/me',
        '/v1/tenants/events',
      ]),
    );
    expect(script).not.toMatch(/localStorage|document\.cookie|innerHTML|insertAdjacentHTML|\beval\b/);
  });
});

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

describe.each([
  ['light', pageLight],
  ['dark', pageDark],
] as const satisfies readonly (readonly [string, PagePalette])[])('%s', (_scheme, palette) => {
  test.each(palettePairs.text)('%s on %s can be read (4.5:1 or more)', (front, back) => {
    expect(contrastOf(palette[front], palette[back])).toBeGreaterThanOrEqual(4.5);
  });

  test.each(palettePairs.control)('%s on %s can be seen (3:1 or more)', (front, back) => {
    expect(contrastOf(palette[front], palette[back])).toBeGreaterThanOrEqual(3);
  });

  test('is in every page, and no page has a colour besides', () => {
    const known = new Set<string>([...Object.values(pageLight), ...Object.values(pageDark)]);
    for (const source of allPages().values()) {
      const style = /<style[^>]*>(.*)<\/style>/s.exec(source)?.[1] ?? '';
      const colours: readonly string[] =
        style.match(/#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch|color)a?\([^)]*\)/gi) ?? [];
      expect(colours).toEqual(expect.arrayContaining(Object.values(palette)));
      expect(colours.filter((colour) => !known.has(colour))).toEqual([]);
    }
  });
});

test('the contrast is computed as WCAG says', () => {
  expect(contrastOf('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrastOf('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
});
