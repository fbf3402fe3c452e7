import fs from 'node:fs';
import path from 'node:path';
import { readJson } from '@controllab/core-blocks';
import { BaseModelError } from '../errors.ts';

/** A token that no merge makes, in the form of tokenizer.json: it is found in a text before that is split into words. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** What decoding may leave out. */
  readonly special: boolean;
  /** Found in any case, as the text is lower-cased before. */
  readonly normalized: boolean;
  /** Takes the spaces before it, or behind it, with it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly single_word: false;
}

/** What each file that transformers writes added tokens into says: `added_tokens_decoder`, and the older list of ids by token. */
const CONFIG = 'tokenizer_config.json';
const LIST = 'added_tokens.json';

const FLAGS = ['special', 'normalized', 'lstrip', 'rstrip', 'single_word'] as const;

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);

/**
 * Tokens that were added to a tokenizer's vocabulary, such as words of a textual inversion, by both files that may have them.
 * @param config tokenizer_config.json
 * @throws BaseModelError invalid-model naming the token that is none, has two ids or shares one, or wants what is not done
 */
export function addedTokens(directory: string, config: Readonly<Record<string, unknown>>): AddedToken[] {
  const refuse = (file: string, message: string): never => {
    throw new BaseModelError('invalid-model', `${path.join(directory, file)}: ${message}.`, { directory, file });
  };
  const token = (file: string, id: number, given: Readonly<Record<string, unknown>>): AddedToken => {
    const { content } = given;
    if (typeof content !== 'string' || content === '') return refuse(file, `expected a text for an added token, got ${shown(content)}`);
    if (!Number.isSafeInteger(id) || id < 0) refuse(file, `the added token ${shown(content)} has no id`);
    const flags = Object.fromEntries(FLAGS.map((name) => [name, given[name] ?? false])) as Record<(typeof FLAGS)[number], unknown>;
    const wrong = FLAGS.find((name) => typeof flags[name] !== 'boolean');
    if (wrong !== undefined) refuse(file, `the added token ${shown(content)} has ${shown(flags[wrong])} for ${wrong}`);
    if (flags.single_word === true) refuse(file, `the added token ${shown(content)} has single_word true, which is not done`);
    const { special, lstrip, rstrip } = flags as Record<(typeof FLAGS)[number], boolean>;
    const normalized = (given['normalized'] as boolean | undefined) ?? !special;
    return { id, content, special, normalized, lstrip, rstrip, single_word: false };
  };
  const object = (file: string, value: unknown): Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : refuse(file, `expected an object of added tokens, got ${shown(value)}`);
  const decoder = object(CONFIG, config['added_tokens_decoder'] ?? {});
  const list = fs.existsSync(path.join(directory, LIST)) ? readJson(path.join(directory, LIST)) : {};
  const found = new Map<string, AddedToken>();
  const add = (file: string, one: AddedToken): void => {
    const before = found.get(one.content);
    if (before !== undefined && before.id !== one.id)
      refuse(file, `the added token ${shown(one.content)} has the ids ${before.id} and ${one.id}`);
    if (before === undefined) found.set(one.content, one);
  };
  for (const [id, given] of Object.entries(decoder)) add(CONFIG, token(CONFIG, /^\d+$/.test(id) ? Number(id) : -1, object(CONFIG, given)));
  for (const [content, id] of Object.entries(list)) add(LIST, token(LIST, typeof id === 'number' ? id : -1, { content }));
  return [...found.values()];
}

/** A tokenizer.json, as far as added tokens are concerned: nothing of it is certain yet. */
interface TokenizerJson {
  readonly added_tokens?: unknown;
  readonly model?: { readonly vocab?: unknown } | null;
}

/**
 * A tokenizer.json with more added tokens; those that it has stay what they are.
 * @throws BaseModelError invalid-model naming a token or an id that stands for another one there
 */
export function withAddedTokens(directory: string, json: TokenizerJson, tokens: readonly AddedToken[]): object {
  const { added_tokens: own = [], model } = json;
  // What is wrong with them is said when the whole is looked at.
  if (tokens.length === 0 || !Array.isArray(own)) return json;
  const vocab = Object.entries(Object(model?.vocab) as Record<string, unknown>);
  const known = own.map((token) => Object(token) as { content?: unknown; id?: unknown });
  const all = [...vocab, ...known.map(({ content, id }) => [content, id] as const)];
  for (const { id, content } of tokens) {
    const other = all.find(([name, number]) => (name === content) !== (number === id));
    if (other !== undefined)
      throw new BaseModelError(
        'invalid-model',
        `${directory}: the added token ${shown(content)} has the id ${id}, its vocabulary has ${shown(other[0])} as ${shown(other[1])}: they do not belong together.`,
        { directory, content, id },
      );
  }
  const contents = new Set(known.map(({ content }) => content));
  return { ...json, added_tokens: [...own, ...tokens.filter(({ content }) => !contents.has(content))] };
}

/**
 * Tokens that stand behind another: a textual inversion of several vectors is learned as `<word>`, `<word>_1`, `<word>_2`, and a prompt
 * says the first alone (diffusers' `maybe_convert_prompt`). By the id of the first.
 */
export function followers(added: readonly { readonly id: number; readonly content: string }[]): ReadonlyMap<number, readonly number[]> {
  const ids = new Map(added.map(({ id, content }) => [content, id]));
  const found = new Map<number, readonly number[]>();
  for (const { id, content } of added) {
    const rest: number[] = [];
    for (let next = ids.get(`${content}_1`); next !== undefined; next = ids.get(`${content}_${rest.length + 1}`)) rest.push(next);
    if (rest.length > 0) found.set(id, rest);
  }
  return found;
}
