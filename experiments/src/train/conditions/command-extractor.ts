import { execFile } from 'node:child_process';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { userPath } from '@controllab/command-line';
import { decodeImage, fileHash, scratchFolder } from '@controllab/data';
import { encodePng } from '@controllab/report';
import { commandWords, IN, OUT } from './command-words.ts';
import { refuse, type Extractor } from './extractor.ts';

/** How long a program may take for a picture. */
const TIMEOUT_MS = 10 * 60_000;
/** Files among a command's words that are looked into, to tell it from another: scripts and models, not data sets. */
const MAX_HASHED_BYTES = 2 ** 31;

/** A command's words with what lies in those that are files. */
async function contents(words: readonly string[]): Promise<[word: string, sha256: string | null][]> {
  const hashed: [string, string | null][] = [];
  for (const word of words) {
    const file = userPath(word);
    const found = await stat(file).catch(() => null);
    const isFile = found !== null && found.isFile() && found.size <= MAX_HASHED_BYTES;
    hashed.push([word, isFile ? await fileHash(file) : null]);
  }
  return hashed;
}

/**
 * A program that reads a picture (PNG, at `{in}`) and writes its condition (at `{out}`), once a picture.
 * @throws ExperimentError invalid-option
 */
export async function commandExtractor(text: string): Promise<Extractor> {
  const words = commandWords(text);
  const identity = { command: await contents(words) };
  const folder = scratchFolder('condition');
  const [input, output] = [path.join(folder, 'in.png'), path.join(folder, 'out.png')];
  const [program, ...args] = words.map((word) => word.replaceAll(IN, input).replaceAll(OUT, output)) as [string, ...string[]];
  const fail = (why: string, cause?: unknown) => refuse(`--condition-command ${text}: ${why}.`, { command: words }, cause);
  return {
    label: `what \`${text}\` makes of pictures`,
    identity,
    async extract({ rgb, width, height }) {
      await writeFile(input, await encodePng(rgb, width, height));
      await rm(output, { force: true });
      await promisify(execFile)(program, args, { timeout: TIMEOUT_MS, maxBuffer: 2 ** 24 }).catch(
        (error: Error & { code?: unknown; killed?: boolean; stderr?: string }) => {
          if (error.killed) throw fail(`it took more than ${TIMEOUT_MS / 60_000} minutes for a picture`, error);
          if (typeof error.code === 'string') throw fail(`it cannot be started (${error.code})`, error);
          throw fail(`it ended with ${String(error.code)}: ${error.stderr?.trim().split('\n').at(-1) || 'it says nothing'}`, error);
        },
      );
      const bytes = await readFile(output).catch((error: Error) => {
        throw fail('it wrote nothing to {out}', error);
      });
      const made = await decodeImage(bytes, 'what it wrote to {out}').catch((error: Error) => {
        throw fail(error.message, error);
      });
      if (made.width === width && made.height === height) return { rgb: made.rgb, width, height };
      throw fail(`it made ${made.width} x ${made.height} pixels of ${width} x ${height}`);
    },
    release: () => rm(folder, { recursive: true, force: true }),
  };
}
