import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeAtomic } from './write-atomic.ts';
import { writeOrKeep } from './write-or-keep.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'keep-'));
  mkdirSync(path.join(root, 'temporary'));
  vi.stubEnv('TMPDIR', path.join(root, 'temporary'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

/** Writes two files, of which the system takes one there, and both elsewhere. */
const write = (full: string) => async (folder: string) => {
  for (const name of ['a', 'b']) {
    const file = path.join(folder, name);
    if (name === 'b' && folder.startsWith(full)) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', path: file });
    await writeAtomic(file, name);
  }
  return folder;
};

describe('writeOrKeep', () => {
  it('writes where it is told to', async () => {
    expect(await writeOrKeep(path.join(root, 'out'), write('nowhere'))).toBe(path.join(root, 'out'));
    expect(readdirSync(path.join(root, 'temporary'))).toEqual([]);
  });

  it('keeps what the place has no room for, and says where', async () => {
    const out = path.join(root, 'out');
    const error = await writeOrKeep(out, write(out)).catch((thrown: unknown) => thrown);
    const { kept } = (error as { values: { kept: string } }).values;
    expect(error).toMatchObject({
      code: 'file-write',
      message: `${out}/b: no space is left on the disk. Free some and run the same command again. What was computed lies in ${kept}.`,
    });
    expect(kept.startsWith(path.join(root, 'temporary'))).toBe(true);
    expect(['a', 'b'].map((name) => readFileSync(path.join(kept, name), 'utf8'))).toEqual(['a', 'b']);
  });

  it('passes on what is wrong everywhere, and leaves nothing behind', async () => {
    await expect(writeOrKeep(root, write(root))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(readdirSync(path.join(root, 'temporary'))).toEqual([]);
    await expect(writeOrKeep(root, () => Promise.reject(new TypeError('x')))).rejects.toThrow(TypeError);
  });
});
