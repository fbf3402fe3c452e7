import fs from 'node:fs';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { foreignFile, readJson, tokenizerProblem } from '@controllab/core-blocks';
import type { PromptText } from '../base.ts';
import { BaseModelError } from '../errors.ts';
import { promptParts } from '../prompts/token-weights.ts';
import { addedTokens, followers, withAddedTokens, type AddedToken } from './added-tokens.ts';

/** A prompt as a text encoder of a fixed context takes it. */
export interface Tokens {
  /** `context` ids: start, text, end, padding. */
  ids: Int32Array;
  /** What each weighs: 1 but for parts of the text that weigh otherwise. */
  weights: Float32Array;
  /** Tokens of the text that did not fit. */
  cut: number;
  /** They as text. */
  cutText: string;
}

export type Tokenize = (prompt: PromptText, context: number) => Tokens;

/** Every file that a tokenizer is loaded from, where it is there. */
export const TOKENIZER_FILES = [
  'tokenizer.json',
  'vocab.json',
  'merges.txt',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
] as const;

/** CLIP's pre-tokenizer: English contractions, runs of letters, single digits, runs of anything else. */
const WORDS = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/**
 * CLIP's byte-pair encoder as tokenizer.json describes it, from the vocabulary and merges of the older format.
 * @param specials tokens that a prompt may name, those for padding and for what is unknown among them
 */
function clipTokenizerJson(
  vocab: Readonly<Record<string, number>>,
  merges: readonly string[],
  { specials, unknown }: { specials: readonly AddedToken[]; unknown: string },
): object {
  return {
    added_tokens: specials,
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' }, { type: 'Lowercase' }],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
      ],
    },
    model: { type: 'BPE', unk_token: unknown, continuing_subword_prefix: '', end_of_word_suffix: '</w>', fuse_unk: false, vocab, merges },
    decoder: { type: 'ByteLevel' },
    post_processor: null,
  };
}

/** Special tokens of a vocabulary, once each, but for those that `others` has. */
function specialTokens(
  vocab: Readonly<Record<string, number>>,
  contents: readonly string[],
  others: readonly AddedToken[],
): readonly AddedToken[] {
  const missing = new Set(
    contents.filter((content) => Object.hasOwn(vocab, content) && !others.some((other) => other.content === content)),
  );
  return [...missing].map((content) => ({
    id: vocab[content]!,
    content,
    special: true,
    normalized: true,
    lstrip: false,
    rstrip: false,
    single_word: false,
  }));
}

/**
 * Loads CLIP's tokenizer from a directory with tokenizer.json, or vocab.json and merges.txt, the special tokens in tokenizer_config.json
 * and special_tokens_map.json, and the words that were added to it.
 * @throws BaseModelError invalid-model for missing files or special tokens; CoreBlocksError for broken JSON
 */
export function loadTokenizer(directory: string): Tokenize {
  const at = (file: string): string => path.join(directory, file);
  const has = (file: string): boolean => fs.existsSync(at(file));
  const optional = (file: string): Record<string, unknown> => (has(file) ? readJson(at(file)) : {});
  const config = optional('tokenizer_config.json');
  const specials = { ...config, ...optional('special_tokens_map.json') };
  const special = (key: string, otherwise: string): string => {
    const given = specials[key] ?? otherwise;
    const value = typeof given === 'object' ? (given as { content?: unknown }).content : given;
    if (typeof value !== 'string' || value === '')
      throw new BaseModelError('invalid-model', `${directory}: ${key} is no text.`, { directory, key });
    return value;
  };
  const bos = special('bos_token', '<|startoftext|>');
  const eos = special('eos_token', '<|endoftext|>');
  const [pad, unknown] = [special('pad_token', eos), special('unk_token', eos)];
  const added = addedTokens(directory, config);
  let json: object;
  if (has('tokenizer.json')) json = readJson(at('tokenizer.json'));
  else if (has('vocab.json') && has('merges.txt')) {
    const merges = fs
      .readFileSync(at('merges.txt'), 'utf8')
      .split(/\r?\n/)
      .filter((line) => line !== '' && !line.startsWith('#version'));
    const foreign = foreignFile(Buffer.from((merges[0] ?? 'x').slice(0, 64)));
    if (foreign !== null) throw new BaseModelError('invalid-model', `${at('merges.txt')} ${foreign}.`, { directory });
    if (merges.length === 0)
      throw new BaseModelError('invalid-model', `${at('merges.txt')} holds no merges: it was cut short.`, { directory });
    const vocab = readJson(at('vocab.json')) as Record<string, number>;
    json = clipTokenizerJson(vocab, merges, { specials: specialTokens(vocab, [bos, eos, pad, unknown], added), unknown });
  } else {
    throw new BaseModelError('invalid-model', `${directory} holds no tokenizer: expected tokenizer.json, or vocab.json and merges.txt.`, {
      directory,
    });
  }
  const whole = withAddedTokens(directory, json, added);
  const tokenizer = makeTokenizer(directory, whole, [bos, eos, pad, unknown]);
  const behind = followers((whole as { added_tokens?: AddedToken[] }).added_tokens ?? []);
  const idOf = (token: string): number => {
    const id = tokenizer.token_to_id(token);
    if (id === undefined)
      throw new BaseModelError('invalid-model', `${directory}: the vocabulary lacks the special token ${token}.`, { directory, token });
    return id;
  };
  const [start, end, padding] = [idOf(bos), idOf(eos), idOf(pad)];
  return (prompt, context) => {
    // As in A1111 parts are tokenised for themselves: (cat)fish is two words.
    const text = promptParts(prompt).flatMap((part) =>
      tokenizer
        .encode(part.text, { add_special_tokens: false })
        .ids.flatMap((id, i, all) => (all[i + 1] === behind.get(id)?.[0] ? [id] : [id, ...(behind.get(id) ?? [])]))
        .map((id) => ({ id, weight: part.weight })),
    );
    const kept = text.slice(0, context - 2);
    const cut = text.slice(context - 2).map(({ id }) => id);
    const ids = new Int32Array(context).fill(padding);
    const weights = new Float32Array(context).fill(1);
    ids.set([start, ...kept.map(({ id }) => id), end]);
    weights.set(
      kept.map(({ weight }) => weight),
      1,
    );
    return { ids, weights, cut: cut.length, cutText: cut.length === 0 ? '' : readable(tokenizer, cut) };
  };
}

/** @throws BaseModelError invalid-model saying what of the files is wrong */
function makeTokenizer(directory: string, json: object, [bos, eos, ...others]: readonly [string, string, ...string[]]): Tokenizer {
  const fail = (problem: string): never => {
    throw new BaseModelError('invalid-model', `${directory} holds no tokenizer that can be used: ${problem}.`, { directory });
  };
  const problem = tokenizerProblem(json, [bos, eos, ...others]);
  if (problem !== null) return fail(problem);
  try {
    return new Tokenizer(json, { bos_token: bos, eos_token: eos });
  } catch (error) {
    return fail((error as Error).message);
  }
}

/** Tokens as text; the end of a word is a space. */
const readable = (tokenizer: Tokenizer, ids: number[]): string =>
  tokenizer.decode(ids, { skip_special_tokens: false }).replaceAll('</w>', ' ').replaceAll(/\s+/g, ' ').trim();
