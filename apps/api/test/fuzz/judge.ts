import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Answer } from '../support/requests.ts';
import type { FuzzedRequest, Route } from './route-requests.ts';

/** What a route that no document has may answer. */
export interface Undocumented {
  readonly statuses: readonly number[];
  readonly types: RegExp;
}

/** What is wrong with an answer; undefined: nothing. */
export type Judge = (route: Route, request: FuzzedRequest, answer: Answer) => string | undefined;

/** What a fault of ours would show: a stack, a statement, a driver's error. */
const inner =
  /node_modules|\bat (?:async )?[\w.<>]+ \(|\bSELECT \w|\bINSERT INTO\b|\bECONN|\$argon2|\/apps\/api\//;

const segmentsOf = (path: string): number => path.split('/').length;

const leadsElsewhere = (url: string): boolean =>
  segmentsOf(new URL(url, 'http://localhost').pathname) !== segmentsOf(url.split('?', 1)[0] ?? '');

const typeOf = (answer: Answer): string =>
  (answer.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? '';

/**
 * Holds answers against the document of the API that gave them: the status, the media type and the body, each as the
 * route's own entry says. `pages`: statuses that a route answers browsers with, as HTML or by leading them on, beside its document.
 */
export const createJudge = (options: {
  readonly secrets: readonly string[];
  readonly pages: Readonly<Record<string, readonly number[]>>;
  readonly undocumented: Readonly<Record<string, Undocumented>>;
}): Judge => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  const compiled = new Map<string, ValidateFunction>();

  const bodyProblem = (name: string, schema: object, answer: Answer): string | undefined => {
    const validate = compiled.get(name) ?? ajv.compile(schema);
    compiled.set(name, validate);
    if (validate(answer.json())) return undefined;
    return `the body is not as documented: ${ajv.errorsText(validate.errors)}`;
  };

  const secretProblem = (answer: Answer): string | undefined => {
    const said = `${JSON.stringify(answer.headers)}\n${answer.body}`;
    if (options.secrets.some((secret) => said.includes(secret))) return 'the answer tells a secret';
    return inner.test(said) ? 'the answer tells of our insides' : undefined;
  };

  const contractProblem = (route: Route, request: FuzzedRequest, answer: Answer): string | undefined => {
    const { statusCode } = answer;
    const key = `${route.method} ${route.path}`;
    const type = typeOf(answer);
    // `..` is resolved by whoever sends: the answer is another route's.
    if (request.isOddPath && leadsElsewhere(request.url)) return undefined;
    if (request.isOddPath && statusCode === 404)
      return type === 'application/problem+json' || type === 'application/json'
        ? undefined
        : `a 404 as ${type}`;
    const isPage = type === 'text/html' || (statusCode >= 300 && statusCode < 400 && answer.body === '');
    if (isPage && options.pages[key]?.includes(statusCode) === true) return undefined;
    if (route.operation === undefined) {
      const may = options.undocumented[key];
      if (may === undefined) return 'nobody says what the route may answer';
      if (!may.statuses.includes(statusCode)) return 'the status is not one that the route may answer';
      return may.types.test(type) ? undefined : `the media type is ${type}`;
    }
    const response = route.operation.responses[String(statusCode)];
    if (response === undefined) return 'the status is not documented';
    const { content } = response;
    if (content === undefined)
      return answer.body === '' ? undefined : 'there is a body, and none is documented';
    const documented = content[type];
    if (documented === undefined) return `the media type ${type} is not documented`;
    return bodyProblem(`${key} ${statusCode} ${type}`, documented.schema, answer);
  };

  return (route, request, answer) => {
    const problem =
      answer.statusCode >= 500 ? 'a 5xx' : (secretProblem(answer) ?? contractProblem(route, request, answer));
    return problem === undefined
      ? undefined
      : `${route.method} ${route.path} ${answer.statusCode}: ${problem}: ${answer.body.slice(0, 400)}`;
  };
};
