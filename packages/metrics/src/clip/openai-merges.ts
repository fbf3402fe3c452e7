import { MetricsError } from '../errors.ts';

/**
 * Merges that OpenAI's CLIP uses; its file holds five times as many. 256 bytes, the same at the end of a word, the merges and two marks
 * make 49,408.
 */
const MERGES = 49408 - 2 * 256 - 2;

const START = '<|startoftext|>';
const END = '<|endoftext|>';

/** Apostrophe endings, words, single digits, and what is neither. */
const WORDS = String.raw`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;

/**
 * The characters that stand for bytes 0 to 255, in the order of the vocabulary: what prints stands for itself, the rest for letters from
 * 256 on (openai/CLIP `bytes_to_unicode`).
 */
function byteCharacters(): string[] {
  const prints = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const others = bytes.filter((byte) => !prints(byte));
  return [...bytes.filter(prints), ...others.map((_, i) => 256 + i)].map((code) => String.fromCodePoint(code));
}

/**
 * OpenAI CLIP's merges (`bpe_simple_vocab_16e6.txt`: a line about the version, then one merge a line) as the contents of a
 * tokenizer.json, whose ids are openai/CLIP's. Text is put in Unicode's composed form and lower case, runs of white space count as one
 * space; openai/CLIP also repairs broken encodings and HTML entities (ftfy), which is left to the caller.
 * @throws MetricsError invalid-file naming the first line that is no merge
 */
export function openaiTokenizer(text: string): object {
  const lines = text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .slice(0, MERGES);
  // The last of CLIP's own lies in the middle of the file.
  if (lines.length > 0 && lines.length < MERGES && !text.endsWith('\n'))
    throw new MetricsError(
      'invalid-file',
      `the last merge does not end with a line break, as in a file that was cut short: "${lines.at(-1)!.slice(0, 80)}"`,
    );
  const wrong = lines.findIndex((line) => line.split(' ').length !== 2);
  if (wrong >= 0)
    throw new MetricsError('invalid-file', `line ${wrong + 2} of the merges is no merge of two parts: "${lines[wrong]!.slice(0, 80)}"`, {
      line: wrong + 2,
    });
  const bytes = byteCharacters();
  const tokens = [...bytes, ...bytes.map((character) => `${character}</w>`), ...lines.map((line) => line.replace(' ', '')), START, END];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const mark = (content: string) => ({
    id: vocab[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: '1.0',
    added_tokens: [mark(START), mark(END)],
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: String.raw`\s+` }, content: ' ' }, { type: 'Lowercase' }],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [END, vocab[END]],
      cls: [START, vocab[START]],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: END,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      vocab,
      merges: lines,
    },
  };
}
