/**
 * What somebody says that sets a fault off: a text, on one connection and also in pieces, or a number of
 * bytes on one connection since the fault was asked for.
 */
export type Trigger = { readonly text: string } | { readonly bytes: number };

/** How many of these bytes of a connection set it off; undefined while they do not. */
export type Watch = (connection: object, bytes: Buffer) => number | undefined;

export const watchFor = (trigger: Trigger): Watch =>
  'text' in trigger
    ? watchForText(Buffer.from(trigger.text).toString('latin1'))
    : watchForCount(trigger.bytes);

const watchForText = (text: string): Watch => {
  const endings = new WeakMap<object, string>();
  return (connection, bytes) => {
    const before = endings.get(connection) ?? '';
    const said = before + bytes.toString('latin1');
    const at = said.indexOf(text);
    if (at !== -1) return at + text.length - before.length;
    endings.set(connection, said.slice(Math.max(0, said.length - text.length + 1)));
    return undefined;
  };
};

const watchForCount = (count: number): Watch => {
  const counts = new WeakMap<object, number>();
  return (connection, bytes) => {
    const before = counts.get(connection) ?? 0;
    if (before + bytes.length >= count) return count - before;
    counts.set(connection, before + bytes.length);
    return undefined;
  };
};
