import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Answer } from './requests.ts';

type Json = Readonly<Record<string, unknown>>;

export interface OpenApi extends Json {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface Operation extends Json {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}

/** The schema that the document promises for a status, whatever its media type; undefined when it promises none. */
export const schemaOf = (
  document: OpenApi,
  method: string,
  path: string,
  status: number,
): Json | undefined => {
  const content = document.paths[path]?.[method.toLowerCase()]?.responses[String(status)]?.content;
  return content === undefined ? undefined : Object.values(content)[0]?.schema;
};

/** Says what is wrong with an answer by the document of the very API that gave it; undefined: nothing. */
export type AnswerCheck = (method: string, path: string, answer: Answer) => string | undefined;

export const answerCheck = (document: OpenApi): AnswerCheck => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  const compiled = new Map<string, ValidateFunction>();
  return (method, path, answer) => {
    const name = `${method} ${path} ${answer.statusCode}`;
    const schema = schemaOf(document, method, path, answer.statusCode);
    if (schema === undefined) return `${name} is not documented: ${answer.body.slice(0, 300)}`;
    const validate = compiled.get(name) ?? ajv.compile(schema);
    compiled.set(name, validate);
    return validate(answer.json())
      ? undefined
      : `${name}: ${ajv.errorsText(validate.errors)} in ${answer.body.slice(0, 300)}`;
  };
};
