/**
 * Reads `v=DKIM1; k=rsa; p=…` (RFC 6376, 3.2; DMARC uses the same form), names in lower case and in
 * their order. Null where the text is no such list, or has a tag twice.
 */
export const readTagList = (text: string): ReadonlyMap<string, string> | null => {
  const parts = text.split(';').map((part) => part.trim());
  if (parts.at(-1) === '') parts.pop();
  const tags = new Map<string, string>();
  for (const part of parts) {
    const match = /^([A-Za-z][A-Za-z0-9_]*)\s*=\s*([\s\S]*)$/.exec(part);
    const [name, value] = [match?.[1]?.toLowerCase(), match?.[2]];
    if (name === undefined || value === undefined || tags.has(name)) return null;
    tags.set(name, value);
  }
  return tags;
};
