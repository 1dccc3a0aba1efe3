import { base, call, deliverNewest, password } from './gotrue.ts';
import type { HandOver } from './hand-over.ts';
import { appOrigin, type TestApi } from './installation.ts';
import { type Answer, newEmail } from './requests.ts';
import type { Database } from '@reconfirm/db/database';

/** Where people go who named no redirect. */
export const site = `${appOrigin}/welcome`;

/** The browser's cookie as it would send it back. */
export const cookieOf = (answer: Answer): string => String(answer.headers['set-cookie']).split(';')[0] ?? '';

/** Where an answer sends the browser, taken apart. */
export const targetOf = (answer: Answer) => {
  const url = new URL(String(answer.headers.location));
  return {
    page: `${url.origin}${url.pathname}`,
    query: Object.fromEntries(url.searchParams),
    fragment: Object.fromEntries(new URLSearchParams(url.hash.slice(1))),
  };
};

/** What the application reads about a dead link. */
export const expired = {
  error: 'access_denied',
  error_code: 'otp_expired',
  error_description: 'Email link is invalid or has expired',
};

interface Opening {
  readonly cookie?: string;
  readonly query?: string;
  readonly method?: 'GET' | 'HEAD';
}

/** What a person asked for, with the browser that asked and what the mail carries. */
export type Asked = HandOver & { readonly email: string; readonly cookie: string };

/** What tests of pages do again and again, on one API. */
export const pagesOf = (api: TestApi, db: Database) => {
  const open = (token: string, { cookie = '', query = '', method = 'GET' }: Opening = {}) =>
    api.app.inject({
      method,
      url: `${base}/verify?token=${token}&type=signup${query}`,
      headers: { ...(cookie === '' ? {} : { cookie }), accept: 'text/html' },
    });
  const press = (form: Record<string, string>, cookie = '') =>
    api.app.inject({
      method: 'POST',
      url: `${base}/verify/press`,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(cookie === '' ? {} : { cookie }),
      },
      payload: new URLSearchParams(form).toString(),
    });
  const signUp = async (body: object = {}): Promise<Asked> => {
    const email = newEmail();
    const asked = await call(api, 'POST', '/signup', { email, password, ...body });
    return { email, cookie: cookieOf(asked), ...(await deliverNewest(api, db, 'signup')) };
  };
  const askFor = async (path: '/otp' | '/recover', body: object = {}): Promise<Asked> => {
    const { email } = await signUp();
    const asked = await call(api, 'POST', path, { email, ...body });
    const purpose = path === '/otp' ? 'magiclink' : 'recovery';
    return { email, cookie: cookieOf(asked), ...(await deliverNewest(api, db, purpose)) };
  };

  return { open, press, signUp, askFor };
};

export type Pages = ReturnType<typeof pagesOf>;
