import { refuse } from './extractor.ts';

/** Where a command's words have the files of a picture and of its condition. */
export const [IN, OUT] = ['{in}', '{out}'] as const;

/**
 * The words of a command: as they stand between spaces, or a JSON array of texts, where a word holds a space. No shell reads them.
 * @throws ExperimentError invalid-option
 */
export function commandWords(text: string): string[] {
  const fail = (why: string) => refuse(`--condition-command ${text}: ${why}.`, { command: text });
  let words: unknown = text.trim().split(/\s+/);
  if (text.trim().startsWith('['))
    try {
      words = JSON.parse(text);
    } catch (error) {
      throw fail(`is no JSON array: ${(error as Error).message}`);
    }
  else if (/["'`|<>;&$]/.test(text))
    throw fail('no shell reads it; write words that hold spaces or quotes as a JSON array, ["program", "a word", "{in}", "{out}"]');
  if (!Array.isArray(words) || words.length === 0 || !words.every((word) => typeof word === 'string' && word !== ''))
    throw fail('expected a JSON array of texts');
  for (const mark of [IN, OUT])
    if (!words.some((word: string) => word.includes(mark)))
      throw fail(`${mark} is missing, the place of the picture’s file${mark === OUT ? ' that it writes' : ''}`);
  return words as string[];
}
