import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { tokenizerProblem } from '@controllab/core-blocks';
import { Tokenizer } from '@huggingface/tokenizers';
import { MetricsError } from '../errors.ts';
import { openaiTokenizer } from './openai-merges.ts';

/** Tokens that CLIP's text towers take. */
export const CLIP_CONTEXT = 77;

/** Captions as token ids. */
export interface TokenizedCaptions {
  /** [N, context], int32, 0 behind the end of a text. */
  ids: HostTensor;
  /** Indices of the captions that were longer than the context and lost what did not fit. */
  truncated: number[];
}

export interface CaptionTokenizer {
  readonly context: number;
  /** Tokens that there are: one more than the highest id. */
  readonly vocabulary?: number;
  encode(captions: readonly string[]): TokenizedCaptions;
}

/**
 * CLIP's tokenizer from the contents of a Hugging Face `tokenizer.json` (or of {@link openaiTokenizer}).
 * A caption over the context keeps its first tokens and its end mark, on which the text tower pools; without it a score is of nothing.
 * @throws MetricsError invalid-file where the file is no tokenizer, or none that puts a start mark in front and an end mark of the highest
 * id behind
 */
export function captionTokenizer(json: object, context: number = CLIP_CONTEXT): CaptionTokenizer {
  const problem = tokenizerProblem(json);
  if (problem !== null) throw new MetricsError('invalid-file', `cannot make a tokenizer: ${problem}`);
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(json, {});
  } catch (error) {
    throw new MetricsError('invalid-file', `cannot make a tokenizer: ${(error as Error).message}`);
  }
  const marks = tokenizer.encode('').ids;
  const [start, end] = marks;
  const highest = Math.max(...tokenizer.get_vocab(true).values());
  if (start === undefined || end === undefined || marks.length !== 2 || end !== highest) {
    throw new MetricsError(
      'invalid-file',
      `this is no CLIP tokenizer: an empty text became the ids [${marks.join(', ')}], expected a start mark and an end mark whose id is the highest, ${highest}`,
      { marks, highest },
    );
  }
  return {
    context,
    vocabulary: highest + 1,
    encode(captions) {
      const data = new Int32Array(captions.length * context);
      const truncated: number[] = [];
      for (const [n, caption] of captions.entries()) {
        const { ids } = tokenizer.encode(caption);
        data.set(ids.slice(0, context), n * context);
        if (ids.length <= context) continue;
        data[(n + 1) * context - 1] = end;
        truncated.push(n);
      }
      return { ids: { data, shape: [captions.length, context] }, truncated };
    },
  };
}

const GZIP = [0x1f, 0x8b];
/** CLIP's takes 4 MB, a language model's 20. */
const MAX_BYTES = 64 * 2 ** 20;

/**
 * CLIP's tokenizer from a file: a Hugging Face `tokenizer.json`, or OpenAI's merges (`bpe_simple_vocab_16e6.txt`, gzipped or not).
 * @throws MetricsError invalid-file
 */
export async function readCaptionTokenizer(file: string, context: number = CLIP_CONTEXT): Promise<CaptionTokenizer> {
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, the limit is ${MAX_BYTES}`);
    let bytes = await readFile(file);
    if (bytes[0] === GZIP[0] && bytes[1] === GZIP[1]) bytes = await promisify(gunzip)(bytes, { maxOutputLength: MAX_BYTES });
    const text = bytes.toString('utf8');
    return captionTokenizer(text.trimStart().startsWith('{') ? (JSON.parse(text) as object) : openaiTokenizer(text), context);
  } catch (error) {
    throw new MetricsError('invalid-file', `cannot read the tokenizer ${file}: ${(error as Error).message}`, { file });
  }
}
