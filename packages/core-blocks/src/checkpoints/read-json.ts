import fs from 'node:fs';
import { CoreBlocksError } from '../errors.ts';
import { foreignFile, FOREIGN_BYTES } from './foreign-file.ts';
import { parseObject, quotePythonNumbers } from './json-text.ts';

/** Configs have kilobytes; vocabularies of a quarter of a million words 17 MB. */
const MAX_BYTES = 64 * 2 ** 20;

/**
 * Reads a JSON file that holds an object. Bare `Infinity`, `-Infinity` and `NaN`, as Python writes them, are read as these words.
 * @throws CoreBlocksError file-read; invalid-config for anything else, a Git LFS pointer in words, names that stand twice, absurd size or
 *   depth
 */
export function readJson(file: string): Record<string, unknown> {
  let bytes: Buffer;
  try {
    const stat = fs.statSync(file);
    const { size } = stat;
    if (!stat.isFile()) throw new CoreBlocksError('file-read', `cannot read ${file}: it is no file`, { file });
    if (size > MAX_BYTES)
      throw new CoreBlocksError('invalid-config', `${file} has ${size} bytes; JSON files of up to ${MAX_BYTES} are read`, { file, size });
    bytes = fs.readFileSync(file);
  } catch (error) {
    if (error instanceof CoreBlocksError) throw error;
    throw new CoreBlocksError('file-read', `cannot read ${file}: ${(error as Error).message}`, { file }, error);
  }
  const fail = (message: string, cause?: unknown): never => {
    throw new CoreBlocksError('invalid-config', `${file} ${message}`, { file }, cause);
  };
  const foreign = foreignFile(bytes.subarray(0, FOREIGN_BYTES));
  if (foreign !== null) fail(foreign);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return fail('is not UTF-8', error);
  }
  return parseObject(quotePythonNumbers(text), fail);
}
