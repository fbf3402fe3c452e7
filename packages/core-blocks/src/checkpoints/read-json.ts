import fs from 'node:fs';
import { CoreBlocksError } from '../errors.ts';

/** Reads a JSON file that holds an object. @throws CoreBlocksError file-read; invalid-config when it is something else */
export function readJson(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new CoreBlocksError('file-read', `cannot read ${file}: ${(error as Error).message}`, { file }, error);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CoreBlocksError('invalid-config', `${file} is not JSON: ${(error as Error).message}`, { file }, error);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new CoreBlocksError('invalid-config', `${file}: expected a JSON object`, { file });
  return json as Record<string, unknown>;
}
