/** One documented error: its status, its spelling in both settings of ERROR_CODES, and when it is given. */
export interface ErrorCode {
  readonly status: number;
  /** `code` with ERROR_CODES=documented. */
  readonly documented: string;
  /** `code` with ERROR_CODES=specific. */
  readonly specific: string;
  readonly title: string;
  /** What it means to a caller, and what to do. Also the default `detail`. */
  readonly when: string;
}

const validation = { status: 400, documented: 'VALIDATION_ERROR', specific: 'VALIDATION_FAILED' } as const;
const token = {
  status: 400,
  documented: 'INVALID_OR_EXPIRED_TOKEN',
  specific: 'INVALID_OR_EXPIRED_TOKEN',
} as const;
const plain = (status: number, code: string) => ({ status, documented: code, specific: code });

/**
 * Every error that the v1 contract can answer, by its `reason`: the one spelling that no setting
 * changes. docs/errors.md is generated from this table.
 */
export const errorCodes = {
  VALIDATION_FAILED: {
    ...validation,
    title: 'The request is not valid',
    when: 'A field is missing, unknown or not of the documented form; the list in errors names each.',
  },
  MALFORMED_JSON: {
    ...validation,
    title: 'The body is not JSON',
    when: 'The body could not be read as JSON. Send an object, with Content-Type application/json.',
  },
  REDIRECT_NOT_ALLOWED: {
    ...validation,
    title: 'The redirect URL is not allowed',
    when: 'Links may only lead to origins that the operator listed (REDIRECT_ORIGINS); in production to https only.',
  },
  CLIENT_ADDRESS_INVALID: {
    ...plain(400, 'CLIENT_ADDRESS_INVALID'),
    title: 'The client address is not vouched for',
    when: 'The header Reconfirm-Client-Address is not of its form, was signed with none of the keys, or no key is configured (CLIENT_ADDRESS_KEYS). Without the header the address of the connection counts.',
  },
  CLIENT_ADDRESS_STALE: {
    ...plain(400, 'CLIENT_ADDRESS_STALE'),
    title: 'The client address was signed too long ago',
    when: 'The time in Reconfirm-Client-Address is further off than CLIENT_ADDRESS_MAX_AGE_SECONDS. Sign it anew for each request, and set the clock.',
  },
  DISPOSABLE_ADDRESS: {
    ...plain(400, 'DISPOSABLE_ADDRESS'),
    title: 'The address is a disposable one',
    when: 'Nobody registers here with an address of a service that gives one to anybody for minutes (DISPOSABLE_DOMAINS=refuse). Use another address. No limit was charged, and it is the same for everybody.',
  },
  CAPTCHA_REQUIRED: {
    ...plain(400, 'CAPTCHA_REQUIRED'),
    title: 'A captcha is needed',
    when: 'Solve the captcha that GET /v1/captcha names and send the same request with its answer as captchaToken. No limit was charged.',
  },
  CAPTCHA_EXPIRED: {
    ...plain(400, 'CAPTCHA_EXPIRED'),
    title: 'The captcha has expired',
    when: 'The answer came too long after the captcha was solved, or was used elsewhere. Solve another one.',
  },
  CAPTCHA_REUSED: {
    ...plain(400, 'CAPTCHA_REUSED'),
    title: 'The captcha was used before',
    when: 'Each answer counts for one request. Solve another one.',
  },
  CAPTCHA_FAILED: {
    ...plain(400, 'CAPTCHA_FAILED'),
    title: 'The captcha was not solved',
    when: 'The answer is not valid, or was made for another page or another action. The log says which.',
  },
  WEBHOOK_URL_NOT_ALLOWED: {
    ...plain(400, 'WEBHOOK_URL_NOT_ALLOWED'),
    title: 'Events may not go there',
    when: 'A webhook needs an https URL on an allowed port (EVENT_PORTS) whose host resolves to public addresses only; the list in errors says what is wrong.',
  },
  TOKEN_UNKNOWN: {
    ...token,
    title: 'The link is not valid',
    when: 'No such token was ever sent, it is long gone, or the code is wrong.',
  },
  TOKEN_EXPIRED: {
    ...token,
    title: 'The link has expired',
    when: 'The token is older than its lifetime. Ask for a new mail.',
  },
  TOKEN_SUPERSEDED: {
    ...token,
    title: 'A newer link was sent',
    when: 'A newer mail was asked for after this one; only the newest link works.',
  },
  UNAUTHORIZED: {
    ...plain(401, 'UNAUTHORIZED'),
    title: 'A key is needed',
    when: 'The Authorization header holds no valid key. Send it as Authorization: Bearer <key>.',
  },
  ACCOUNT_SUSPENDED: {
    status: 403,
    documented: 'FORBIDDEN',
    specific: 'ACCOUNT_SUSPENDED',
    title: 'The account is suspended',
    when: 'The account has been suspended; no mail is sent and no token accepted.',
  },
  NOT_FOUND: {
    ...plain(404, 'NOT_FOUND'),
    title: 'Not found',
    when: 'There is nothing at this path, or nothing with this id.',
  },
  ALREADY_VERIFIED: {
    status: 409,
    documented: 'CONFLICT',
    specific: 'ALREADY_VERIFIED',
    title: 'The address is already verified',
    when: 'The account has proved its address; there is nothing to resend.',
  },
  EMAIL_ALREADY_REGISTERED: {
    status: 409,
    documented: 'CONFLICT',
    specific: 'EMAIL_ALREADY_REGISTERED',
    title: 'The address is already registered',
    when: 'An account with this address exists. Use resend-verification for another mail.',
  },
  PHONE_ALREADY_REGISTERED: {
    ...plain(409, 'PHONE_ALREADY_REGISTERED'),
    title: 'The number belongs to another account',
    when: 'The code was right, and another account has proved this number meanwhile. Only who has the phone is told.',
  },
  ORGANIZATION_EXISTS: {
    ...plain(409, 'ORGANIZATION_EXISTS'),
    title: 'The organization exists',
    when: 'Another organization has this slug. Choose another one, or change the one that is there.',
  },
  WEBHOOK_ENDPOINT_INACTIVE: {
    ...plain(409, 'WEBHOOK_ENDPOINT_INACTIVE'),
    title: 'The endpoint is switched off',
    when: 'It was set inactive, or answered 410. Set it active first.',
  },
  PAYLOAD_TOO_LARGE: {
    ...plain(413, 'PAYLOAD_TOO_LARGE'),
    title: 'The body is too large',
    when: 'Bodies may have 16 KiB (webhooks 256 KiB).',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    ...plain(415, 'UNSUPPORTED_MEDIA_TYPE'),
    title: 'The content type is not supported',
    when: 'Send JSON with Content-Type application/json.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    ...plain(422, 'IDEMPOTENCY_KEY_REUSED'),
    title: 'The idempotency key was used for another request',
    when: 'Within 24 hours a key stands for one request. Use a new key for a new request.',
  },
  RESEND_COOLDOWN: {
    status: 429,
    documented: 'TOO_MANY_REQUESTS',
    specific: 'RESEND_COOLDOWN',
    title: 'A message was asked for a moment ago',
    when: 'The limit of this address (RATE_LIMIT_ADDRESS) is used up. Wait as long as Retry-After says.',
  },
  IP_RATE_LIMIT: {
    status: 429,
    documented: 'TOO_MANY_REQUESTS',
    specific: 'TOO_MANY_REQUESTS',
    title: 'Too many requests from this client',
    when: 'The limit of this client address (RATE_LIMIT_IP) is used up. Wait as long as Retry-After says.',
  },
  TEST_MESSAGE_LIMIT: {
    ...plain(429, 'TEST_MESSAGE_LIMIT'),
    title: 'Too many test messages to this address',
    when: 'The limit of test messages to one address (TEST_MESSAGE_LIMIT) is used up. Wait as long as Retry-After says.',
  },
  CODE_LOCKED: {
    ...plain(429, 'CODE_LOCKED'),
    title: 'Too many codes were tried',
    when: 'The guesses of this address are used up (CODE_GUESS_LIMIT); asking for another message does not renew them. A link still works; a code is taken again after Retry-After.',
  },
  EMAIL_PROVIDER_DISABLED: {
    ...plain(400, 'EMAIL_PROVIDER_DISABLED'),
    title: 'E-mail is switched off',
    when: 'EMAIL_PROVIDER=none with EMAIL_OFF=400: no mail can be asked for.',
  },
  EMAIL_DISABLED: {
    ...plain(503, 'EMAIL_DISABLED'),
    title: 'E-mail is switched off',
    when: 'EMAIL_PROVIDER=none with EMAIL_OFF=503: no mail can be asked for now.',
  },
  SMS_DISABLED: {
    ...plain(400, 'SMS_DISABLED'),
    title: 'SMS is switched off',
    when: 'This installation sends no SMS.',
  },
  SMS_COUNTRY_NOT_ALLOWED: {
    ...plain(400, 'SMS_COUNTRY_NOT_ALLOWED'),
    title: 'No SMS goes to this country',
    when: 'The country of the number is not one that this installation sends SMS to (SMS_COUNTRIES). It is the same for every number of the country.',
  },
  SMS_NUMBER_NOT_ALLOWED: {
    ...plain(400, 'SMS_NUMBER_NOT_ALLOWED'),
    title: 'No SMS can go to this number',
    when: 'The number is not assigned, or not a mobile number. Send it as +4520123456.',
  },
  SMS_SCOPE_NOT_PAUSED: {
    ...plain(404, 'SMS_SCOPE_NOT_PAUSED'),
    title: 'Nothing to release',
    when: 'No SMS to this number block or country are paused.',
  },
  CAPTCHA_UNAVAILABLE: {
    ...plain(503, 'CAPTCHA_UNAVAILABLE'),
    title: 'The captcha cannot be checked now',
    when: 'The captcha provider does not answer, or refuses our set-up. Try again after Retry-After.',
  },
  SERVICE_UNAVAILABLE: {
    ...plain(503, 'SERVICE_UNAVAILABLE'),
    title: 'The service cannot take the request now',
    when: 'A store or a foreign issuer does not answer, or more waits than can be done in time. Nothing was written and no limit was charged; try again after Retry-After.',
  },
  INTERNAL_ERROR: {
    ...plain(500, 'INTERNAL_ERROR'),
    title: 'Something went wrong on our side',
    when: 'The log holds the cause under the request id in `requestId`.',
  },
} as const satisfies Record<string, ErrorCode>;

export type ErrorReason = keyof typeof errorCodes;
