/** Signatures with a public key that jose and node:crypto both know; none with a shared secret. */
const algorithms = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
] as const;

/** Somebody else who signs access tokens that count here. */
export interface ForeignIssuer {
  /** The `iss` of its tokens, letter by letter. */
  readonly issuer: string;
  readonly jwksUrl: string;
  /** One of the `aud` of its tokens. */
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** Whose accounts its tokens may speak for; undefined: the installation's own organization. */
  readonly organizationId: string | undefined;
}

interface Problem {
  readonly problem: string;
}

const form = 'issuer|https://…/jwks.json|audience|ES256 RS256, several with commas';

/**
 * Reads `https://issuer|https://issuer/jwks.json|audience|ES256 RS256|organization id`, several with commas;
 * the organization may be left out. Keys are fetched from that URL and from nowhere that a token names.
 */
export const parseForeignIssuers = (text: string): readonly ForeignIssuer[] | Problem => {
  const issuers: ForeignIssuer[] = [];
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const issuer = readIssuer(part);
    if ('problem' in issuer) return issuer;
    if (issuers.some((other) => other.issuer === issuer.issuer))
      return { problem: `must name each issuer once; ${issuer.issuer} is given twice` };
    issuers.push(issuer);
  }
  return issuers;
};

const readIssuer = (text: string): ForeignIssuer | Problem => {
  const fields = text.split('|').map((field) => field.trim());
  const [issuer = '', jwksUrl = '', audience = '', algorithmList = '', organizationId] = fields;
  if (fields.length < 4 || fields.length > 5 || issuer === '' || audience === '')
    return { problem: `must look like ${form}` };
  if (!isSafeUrl(jwksUrl))
    return { problem: `must name a JWKS URL that starts with https:// (http:// on loopback only)` };
  const wanted = algorithmList.split(/\s+/).filter((name) => name !== '');
  const known: readonly string[] = algorithms;
  if (wanted.length === 0 || !wanted.every((name) => known.includes(name)))
    return { problem: `must list algorithms of ${algorithms.join(', ')} with spaces between` };
  if (organizationId !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(organizationId))
    return { problem: 'must have the id of an organization as its fifth part, or no fifth part' };
  return { issuer, jwksUrl, audience, algorithms: wanted, organizationId };
};

/** Whoever can answer for this URL can sign for everybody: it has to be authentic. */
const isSafeUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username } = new URL(text);
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  return username === '' && (protocol === 'https:' || (protocol === 'http:' && isLoopback));
};
