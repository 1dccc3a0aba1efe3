import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorCodes } from '@reconfirm/core/error-codes';
import { type Installation, openInstallation, publicUrl, type TestApi } from './support/installation.ts';
import { type OpenApi, schemaOf } from './support/openapi.ts';
import { get } from './support/requests.ts';

/** Routes that are no part of a contract: pages, webhooks, and what an operator's machines ask. */
const hidden = [
  'GET /livez',
  'GET /readyz',
  'GET /metrics',
  'GET /openapi.json',
  'GET /openapi/v1.json',
  'POST /v1/brevo/webhook',
  'POST /v1/mailgun/webhook',
  'POST /v1/postmark/webhook',
  'POST /v1/resend/webhook',
  'POST /v1/sendgrid/webhook',
  'POST /v1/ses/webhook',
  'POST /v1/sms/webhook',
  'POST /v1/twilio/webhook',
  // Spoken by other systems, whose own documents describe them.
  'GET /v1/not-me',
  'POST /v1/not-me',
  'POST /hooks/gotrue/send-email',
  'POST /hooks/gotrue/send-sms',
  'POST /hooks/kratos/courier',
];

describe('/openapi.json', () => {
  let installation: Installation;
  let api: TestApi;
  let document: OpenApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
    document = (await get(api, '/openapi.json')).json<OpenApi>();
  });
  afterAll(() => installation.close());

  const operations = (): readonly (readonly [string, OpenApi['paths'][string][string]])[] =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
      ),
    );

  it('is OpenAPI 3.1 and names where the API is reached', () => {
    expect(document).toMatchObject({
      openapi: expect.stringMatching(/^3\.1\./) as string,
      servers: [{ url: publicUrl }],
    });
  });

  it('holds every route of the app, save those that are hidden on purpose', () => {
    const documented = operations().map(([name]) => name);
    const tree = api.app.printRoutes({ commonPrefix: false, includeHooks: false });
    const routed = routesOf(tree).filter((name) => !/^(HEAD|OPTIONS) |\/docs|\*/.test(name));
    expect(routed.length).toBeGreaterThan(15);
    expect(routed.filter((name) => !documented.includes(name)).toSorted()).toEqual(hidden.toSorted());
    expect(documented.filter((name) => !routed.includes(name))).toEqual([]);
  });

  it('says of every operation what it is for, and what it answers', () => {
    for (const [name, operation] of operations()) {
      expect({ name, ...operation }).toMatchObject({
        name,
        summary: expect.any(String) as string,
        tags: [expect.any(String) as string],
      });
      expect({ name, statuses: Object.keys(operation.responses) }).not.toEqual({ name, statuses: [] });
    }
  });

  it('names a security scheme for every route that wants a key, and defines it', () => {
    const schemes = (document['components'] as { securitySchemes: object }).securitySchemes;
    for (const [name, operation] of operations()) {
      const wanted = /\/v1\/admin\//.test(name)
        ? 'adminKey'
        : /\/v1\/tenants\//.test(name)
          ? 'apiKey'
          : undefined;
      expect([name, operation['security']]).toEqual([
        name,
        wanted === undefined ? undefined : [{ [wanted]: [] }],
      ]);
      if (wanted !== undefined) expect(schemes).toHaveProperty(wanted);
    }
  });

  it('lists every documented error reason under its status', () => {
    const all = JSON.stringify(operations().map(([, operation]) => operation.responses));
    // What no route answers on purpose: a fault of ours.
    const unplanned = ['INTERNAL_ERROR'];
    for (const [reason, { status }] of Object.entries(errorCodes).filter(
      ([name]) => !unplanned.includes(name),
    )) {
      expect({ reason, listed: all.includes(`"${reason}"`) }).toEqual({ reason, listed: true });
      const somewhere = operations().some(([, operation]) =>
        JSON.stringify(operation.responses[String(status)] ?? '').includes(`"${reason}"`),
      );
      expect({ reason, status, somewhere }).toEqual({ reason, status, somewhere: true });
    }
  });

  it('documents each row of the contract for a resend', () => {
    for (const status of [200, 400, 403, 409, 413, 415, 422, 429, 503])
      expect([status, schemaOf(document, 'POST', '/v1/resend-verification', status) !== undefined]).toEqual([
        status,
        true,
      ]);
  });
});

/** "METHOD /path" of each line of the router's tree. */
const routesOf = (tree: string): string[] => {
  const path: string[] = [];
  const routes = new Set<string>();
  for (const line of tree.split('\n')) {
    const [, indent, part = '', methods] = /^([│ ├└─]*)(\S*)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (indent === undefined) continue;
    const depth = indent.length / 4;
    path.length = Math.max(0, depth - 1);
    path.push(part);
    for (const method of (methods ?? '').split(', ').filter((m) => m !== ''))
      routes.add(`${method satisfies RouteOptions['method']} ${path.join('').replaceAll(/:(\w+)/g, '{$1}')}`);
  }
  return [...routes];
};

describe('/docs', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  it('answers a page that loads nothing from another host', async () => {
    const api = await installation.startApi();
    const first = await get(api, '/docs');
    const page =
      first.statusCode >= 300 && first.statusCode < 400
        ? await get(api, String(first.headers.location))
        : first;
    expect([page.statusCode, String(page.headers['content-type'])]).toEqual([
      200,
      expect.stringContaining('text/html') as string,
    ]);
    for (const [, url] of page.body.matchAll(/(?:src|href)="([^"]+)"/g))
      expect(url).not.toMatch(/^(https?:)?\/\//);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/https?:|\*/);
  });
});
