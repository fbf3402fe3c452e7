import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  canonicalJson,
  checkOutput,
  heldText,
  isLockFile,
  jsonDifference,
  Lock,
  TRAINING_FILE,
  TRAINING_FORMAT,
  writeAtomic,
  type Json,
} from '@controllab/data';
import { ExperimentError } from '../runner/errors.ts';

const SHOWN = 6;

/** The identity that a folder holds; null for a folder without one. @throws ExperimentError when the folder is somebody else's */
async function identityIn(out: string): Promise<Json | null> {
  const names = (await readdir(out).catch(() => [])).filter((name) => !isLockFile(name) && !name.endsWith('.tmp'));
  if (names.length === 0) return null;
  const text = await readFile(path.join(out, TRAINING_FILE), 'utf8').catch(() => '');
  let held: { format?: unknown; identity?: Json } | null = null;
  try {
    held = JSON.parse(text) as { format?: unknown; identity?: Json };
  } catch {
    // told below
  }
  if (held?.format === TRAINING_FORMAT && held.identity !== undefined) return held.identity;
  throw new ExperimentError(
    'invalid-option',
    `train: ${out} holds files that are no training's (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''}). Name a new or empty folder with --out.`,
    { out, names: names.slice(0, 20) },
  );
}

/** Whether a training may be written to a folder. @throws ExperimentError, DataError file-write */
export async function checkTrainFolder(out: string): Promise<void> {
  await checkOutput(out, 'folder');
  await identityIn(out);
}

/**
 * Does a training's work in its folder, which nobody else works in meanwhile.
 * @throws ExperimentError invalid-option when the folder holds something else, or another training; locked
 */
export async function inTrainFolder<T>(out: string, identity: Json, work: () => Promise<T>): Promise<T> {
  await mkdir(out, { recursive: true });
  const doIt = async (): Promise<T> => {
    const held = await identityIn(out);
    if (held !== null && canonicalJson(held) !== canonicalJson(identity)) {
      const differences = jsonDifference(held, identity);
      const more = differences.length > SHOWN ? `; and ${differences.length - SHOWN} more` : '';
      throw new ExperimentError(
        'invalid-option',
        `train: ${out} holds another training (that one -> this one): ${differences.slice(0, SHOWN).join('; ')}${more}. Name another folder with --out.`,
        { out, differences },
      );
    }
    await writeAtomic(path.join(out, TRAINING_FILE), `${JSON.stringify({ format: TRAINING_FORMAT, identity }, null, 2)}\n`);
    return await work();
  };
  return Lock.holding(out, doIt, {
    refuse: (held) => new ExperimentError('locked', `train: ${heldText(out, held)}`, { out, ...held.owner }),
  });
}
