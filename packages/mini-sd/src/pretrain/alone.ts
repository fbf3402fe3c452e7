import { mkdirSync } from 'node:fs';
import { heldText, Lock } from '@controllab/data';
import { MiniSdError } from '../errors.ts';

/** Does a stage's work while no other process does it: latents, training, weights and report. @throws MiniSdError locked */
export async function alone<T>(folder: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true });
  return Lock.holding(folder, work, { refuse: (held) => new MiniSdError('locked', heldText(folder, held), { folder, ...held.owner }) });
}
