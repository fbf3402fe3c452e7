import { mkdir } from 'node:fs/promises';
import { heldText, Lock } from '@controllab/data';
import { ReportError } from '../model/report-error.ts';

const [TRIES, WAIT_MS] = [240, 250];

/**
 * Writes into a folder, which is made if it is missing, while no other process does: each would take the other's unfinished files for those
 * of one that was killed, and of two reports neither would be whole. It takes seconds, so they wait for each other.
 * @throws ReportError `locked` after a minute
 */
export async function aloneIn<T>(dir: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dir, { recursive: true });
  return Lock.holding(dir, work, {
    refuse: (held) => new ReportError('locked', heldText(dir, held), { dir, ...held.owner }),
    tries: TRIES,
    waitMs: WAIT_MS,
  });
}
