import { isUserId } from './answers.ts';

/** Without a limit a list is a page of so many; seats end far below. */
export const pageSizeMax = 1000;

/** What a list is asked for. An `after` that is no id of ours begins at the beginning. */
export const readPage = (query: {
  readonly after?: string;
  readonly limit?: string;
}): { readonly size: number; readonly afterId: string | null } => ({
  size: Number(query.limit ?? pageSizeMax),
  afterId: query.after !== undefined && isUserId(query.after) ? query.after : null,
});

/** The Link header that names the page after this one (RFC 8288). */
export const nextPage = (path: string, query: Readonly<Record<string, string | number>>): string =>
  `<${path}?${Object.entries(query)
    .map(([name, value]) => `${name}=${value}`)
    .join('&')}>; rel="next"`;
