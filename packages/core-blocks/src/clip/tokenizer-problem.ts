/** More than any tokenizer's pattern has. */
const MAX_PATTERN = 1000;
/** Runs without an upper bound in one alternative: each further one multiplies the time by the length of the text. */
const MAX_RUNS = 3;

/**
 * Why a file's regular expression may take for ever on some text, or null: a repeated group, a reference back, or many runs in a row.
 * CLIP's own splits a text in one pass.
 */
export function patternProblem(pattern: string): string | null {
  if (pattern.length > MAX_PATTERN) return `has ${pattern.length} characters, more than ${MAX_PATTERN}`;
  // Classes and escapes first: what is in them repeats nothing.
  const plain = pattern
    .replace(/\\[pP]\{[^}]*\}|\\[1-9k]/g, (found) => (/[1-9k]$/.test(found) ? '\u0001' : 'x'))
    .replace(/\\./g, 'x')
    .replace(/\[[^\]]*\]/g, 'x');
  if (plain.includes('\u0001')) return 'refers back to a group';
  if (/\)[*+{]/.test(plain)) return 'repeats a group';
  const runs = plain.split('|').map((part) => [...part.matchAll(/[*+]|\{\d*,\}/g)].length);
  return Math.max(...runs) > MAX_RUNS ? `has more than ${MAX_RUNS} runs in a row` : null;
}

/** Nesting that no tokenizer comes near. */
const MAX_DEPTH = 64;

/** Every `{ "Regex": ... }` of a tokenizer.json; null where it is nested too deep. */
function* patternsIn(json: unknown, depth = 0): Generator<string | null> {
  if (typeof json !== 'object' || json === null) return;
  if (depth > MAX_DEPTH) {
    yield null;
    return;
  }
  for (const [key, value] of Object.entries(json)) {
    if (key === 'Regex' && typeof value === 'string') yield value;
    // The vocabulary, whose keys may be anything, holds numbers.
    else if (key !== 'vocab' && key !== 'merges') yield* patternsIn(value, depth + 1);
  }
}

/** Keys of the format: the whole, added tokens, truncation and padding, models, normalizers, pre-tokenizers, processors, decoders. */
const KEYS = new Set(
  `version truncation padding added_tokens normalizer pre_tokenizer post_processor decoder model
  id content special normalized lstrip rstrip single_word
  direction max_length strategy stride pad_to_multiple_of pad_id pad_type_id pad_token
  type vocab merges dropout unk_token unk_id continuing_subword_prefix end_of_word_suffix fuse_unk byte_fallback ignore_merges
  max_input_chars_per_word
  normalizers pattern Regex String clean_text handle_chinese_chars strip_accents lowercase strip_left strip_right prepend
  precompiled_charsmap
  pretokenizers behavior invert add_prefix_space trim_offsets use_regex individual_digits replacement prepend_scheme split
  processors sep cls single pair special_tokens SpecialToken Sequence ids tokens type_id
  decoders prefix suffix cleanup start stop`.split(/\s+/),
);

/** A key that no part of the format has, and which holds something; nested no deeper than {@link patternsIn} allows. */
function foreignKey(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(json)
    ? json.map((one) => ['id', one] as const)
    : Object.entries(json);
  for (const [key, value] of entries) {
    if (!KEYS.has(key) && value !== null) return key;
    // Their own keys are tokens.
    const found = ['vocab', 'merges', 'special_tokens'].includes(key) ? undefined : foreignKey(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

const END_OF_WORD = '</w>';
/** A value from the file as a message shows it; lists and objects may be nested without end. */
const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null ? 'that is no text or number' : (JSON.stringify(value) ?? 'nothing').slice(0, 80);

/** Why a vocabulary and its merges cannot belong together, or null. */
function mergesProblem(vocab: Readonly<Record<string, unknown>>, merges: readonly unknown[], marks: ReadonlySet<string>): string | null {
  const ids = new Set<unknown>();
  for (const [token, id] of Object.entries(vocab)) {
    if (!Number.isSafeInteger(id) || (id as number) < 0) return `the token ${shown(token)} has the id ${shown(id)}`;
    if (ids.has(id)) return `two tokens have the id ${String(id)}`;
    ids.add(id);
  }
  const made = new Set<string>();
  for (const merge of merges) {
    const parts: readonly unknown[] = Array.isArray(merge) ? merge : typeof merge === 'string' ? merge.split(' ') : [];
    const [first, second] = parts;
    if (parts.length !== 2 || typeof first !== 'string' || typeof second !== 'string' || first === '' || second === '')
      return `${shown(merge)} is no merge of two parts`;
    if (!Object.hasOwn(vocab, first + second)) return `the merge ${shown(merge)} makes a token that the vocabulary lacks`;
    made.add(first + second);
  }
  // A tokenizer of letters alone says so.
  if (merges.length === 0) return null;
  const orphan = Object.keys(vocab).find(
    (token) => !made.has(token) && !marks.has(token) && [...token.replace(END_OF_WORD, '')].length > 1,
  );
  return orphan === undefined
    ? null
    : `no merge makes the token ${shown(orphan)}: the merges are cut short, or belong to another vocabulary`;
}

/**
 * What is wrong with a byte-pair tokenizer in the form of a Hugging Face tokenizer.json, in words, or null: patterns that may take for
 * ever, keys that the format does not have, ids that are none, merges cut short. A tokenizer without some of its merges would split words
 * otherwise, without a complaint.
 * @param marks special tokens, which no merge makes, beside the file's own added ones
 */
export function tokenizerProblem(json: object, marks: readonly string[] = []): string | null {
  for (const pattern of patternsIn(json)) {
    if (pattern === null) return `it is nested more than ${MAX_DEPTH} deep`;
    const problem = patternProblem(pattern);
    if (problem !== null) return `its pattern ${shown(pattern)} ${problem}, so that a text may keep it busy for ever`;
  }
  const foreign = foreignKey(json);
  if (foreign !== undefined) return `it has the key ${shown(foreign)}, which is not of its format`;
  const { model, added_tokens: added = [] } = json as {
    model?: { type?: unknown; vocab?: unknown; merges?: unknown };
    added_tokens?: unknown;
  };
  if (typeof model !== 'object' || model === null) return 'it has no model';
  if (!Array.isArray(added)) return 'its added_tokens are no list';
  if (model.type !== undefined && model.type !== 'BPE') return null;
  if (typeof model.vocab !== 'object' || model.vocab === null || !Array.isArray(model.merges)) return 'its model has no vocab and merges';
  const contents = added.map((token) => (token as { content?: unknown } | null)?.content);
  const wrong = contents.find((content) => typeof content !== 'string');
  if (contents.length > 0 && wrong !== undefined) return `an added token has the content ${shown(wrong)}`;
  if (contents.some((content) => content === undefined)) return 'an added token has no content';
  const { unk_token: unknown } = model as { unk_token?: unknown };
  if (typeof unknown === 'string' && unknown !== '' && !Object.hasOwn(model.vocab, unknown) && !contents.includes(unknown))
    return `its token for what is unknown, ${shown(unknown)}, is not in the vocabulary`;
  return mergesProblem(model.vocab as Record<string, unknown>, model.merges, new Set([...marks, ...(contents as string[])]));
}
