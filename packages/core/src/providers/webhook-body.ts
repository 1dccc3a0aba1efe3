/** A decoded object whose fields nobody has checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object to read fields of; anything else (null, a list, a text) counts as empty. */
export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/** The value as a list; anything else counts as empty. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** An own field as text: a number is written out, everything else but a text is absent. */
export const textOf = (fields: Fields, name: string): string | undefined => {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' ? value : undefined;
};

/** The bytes as JSON, or undefined. */
export const decodeJson = (rawBody: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(rawBody.buffer, rawBody.byteOffset, rawBody.byteLength).toString('utf8'));
  } catch {
    // Not JSON: the caller's word for it is `malformed`.
    return undefined;
  }
};

/**
 * The bytes as form fields. A field given twice keeps its first value, except those in `lastWins`.
 */
export const decodeForm = (rawBody: Uint8Array, lastWins: ReadonlySet<string>): Fields => {
  const text = Buffer.from(rawBody.buffer, rawBody.byteOffset, rawBody.byteLength).toString('utf8');
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text))
    if (lastWins.has(name) || !fields.has(name)) fields.set(name, value);
  return Object.fromEntries(fields);
};

/** A header that came once, as text; a repeated one counts as absent. */
export const headerOf = (
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  name: string,
): string | undefined => {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return typeof value === 'string' ? value : undefined;
};
