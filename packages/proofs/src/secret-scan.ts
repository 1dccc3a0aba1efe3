/** Something that must not be found, under the name that a report calls it by. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

export interface Hit {
  readonly canary: string;
  readonly form: string;
  /** What stands around it, the secret itself left out. */
  readonly context: string;
}

/** A part of a long secret that a reader could put together again: 64 bits of a token in hex. */
const partSizeChars = 16;
const partStepChars = 8;
const longSecretChars = 32;
const contextChars = 40;

/**
 * Every spelling in which a text is looked for: as it is, in base64 and base64url at each of the three places
 * where it may begin among other bytes, in hex, percent-encoded, as forms, JSON, HTML and mails write it, and,
 * of a long one, each part.
 */
export const formsOf = (value: string): ReadonlyMap<string, string> => {
  const bytes = Buffer.from(value);
  const percent = encodeURIComponent(value);
  const forms: [string, string][] = [
    ['raw', value],
    ['percent-encoded', percent],
    ['percent-encoded in small letters', percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
    ['form-encoded', new URLSearchParams({ '': value }).toString().slice(1)],
    ['JSON', JSON.stringify(value).slice(1, -1)],
    ['JSON in JSON', JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1)],
    [
      'JSON with escapes',
      value.replaceAll(/[^a-zA-Z0-9]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
    ],
    [
      'HTML',
      value
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;'),
    ],
    ['quoted-printable', value.replaceAll(/[=@]/g, (c) => `=${c.charCodeAt(0).toString(16).toUpperCase()}`)],
    ['hex', bytes.toString('hex')],
    ['hex in capitals', bytes.toString('hex').toUpperCase()],
    ...base64Forms(bytes),
    ...bytesBehind(value),
  ];
  if (value.length >= longSecretChars)
    for (let at = 0; at + partSizeChars <= value.length; at += partStepChars)
      forms.push([`the part at ${at}`, value.slice(at, at + partSizeChars)]);
  const known = new Set<string>();
  return new Map(forms.filter(([, form]) => form.length >= 6 && !known.has(form) && known.add(form)));
};

/** Without the characters at both ends that depend on what stands beside it. */
const base64Forms = (bytes: Buffer): [string, string][] =>
  [0, 1, 2].flatMap((offset): [string, string][] => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
    const encoded = whole.toString('base64').replace(/=+$/, '');
    const certain = encoded.slice([0, 2, 3][offset], whole.length % 3 === 0 ? undefined : -1);
    return [
      [`base64 at ${offset}`, certain],
      [`base64url at ${offset}`, certain.replaceAll('+', '-').replaceAll('/', '_')],
    ];
  });

/** A text that itself writes bytes, in the other ways to write them. */
const bytesBehind = (value: string): [string, string][] => {
  if (/^(?:[0-9a-f]{2}){16,}$/.test(value)) {
    const bytes = Buffer.from(value, 'hex');
    return [
      ['its bytes in base64', bytes.toString('base64').replace(/=+$/, '')],
      ['its bytes in base64url', bytes.toString('base64url')],
    ];
  }
  // 43 characters are what 32 bytes come to.
  const written = /(?:^|_)([A-Za-z0-9_-]{43})$/.exec(value)?.[1];
  return written === undefined
    ? []
    : [['its bytes in hex', Buffer.from(written, 'base64url').toString('hex')]];
};

/**
 * Six digits are found by chance in any long text; only where they stand alone they are a code. The
 * fraction of a second is none.
 */
const isAlone = (text: string, at: number, size: number): boolean =>
  !/[0-9A-Za-z.]/.test(text[at - 1] ?? ' ') && !/[0-9A-Za-z]/.test(text[at + size] ?? ' ');

/** Finds each canary in every form, at most once each form. */
export const scanFor = (canaries: readonly Canary[], text: string): readonly Hit[] =>
  canaries.flatMap(({ name, value }) =>
    [...formsOf(value)].flatMap(([form, searched]): Hit[] => {
      for (let at = text.indexOf(searched); at !== -1; at = text.indexOf(searched, at + 1)) {
        if (/^\d{6,8}$/.test(searched) && !isAlone(text, at, searched.length)) continue;
        const before = text.slice(Math.max(0, at - contextChars), at);
        const after = text.slice(at + searched.length, at + searched.length + contextChars);
        return [{ canary: name, form, context: `${before}[…]${after}` }];
      }
      return [];
    }),
  );
