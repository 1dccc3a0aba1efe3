/** What may be a token, a key or an address in a path where none belongs. An id has 36 characters and stays. */
const secrets = /[^/]*(?:@|%40)[^/]*|[A-Za-z0-9_-]{40,}/gi;

/**
 * The path of a request as an error may repeat it: without the query, which may hold a token or an address, and
 * without what somebody put into the path itself.
 */
export const toldPath = (url: string): string => (url.split('?', 1)[0] ?? '/').replaceAll(secrets, 'removed');
