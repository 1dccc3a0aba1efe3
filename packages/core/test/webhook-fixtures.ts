import { readdirSync, readFileSync } from 'node:fs';

/** A report as its provider documents it, and what it has to come out as. */
export interface Fixture {
  readonly describes: string;
  readonly contentType: string;
  readonly body: Record<string, unknown>;
  readonly expected: readonly Record<string, unknown>[];
}

const folderOf = (name: string): URL => new URL(`fixtures/${name}/`, import.meta.url);

export const fixturesOf = (name: string): readonly (readonly [string, Fixture])[] =>
  readdirSync(folderOf(name))
    .toSorted()
    .map((file) => [file, JSON.parse(readFileSync(new URL(file, folderOf(name)), 'utf8')) as Fixture]);

/** Which page each fixture was made after, with our own addresses and ids in place of the page's. */
export const fixtureSources = JSON.parse(
  readFileSync(new URL('fixtures/webhook-sources.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
