import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { alone } from './alone.ts';

it('lets one process at a time do a stage, and the next when it is done or has failed', async () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'alone-'));
  const folder = path.join(root, 'runs', 'vae');
  try {
    const inside = await alone(folder, async () => {
      await expect(alone(folder, async () => 'second')).rejects.toMatchObject({
        name: 'MiniSdError',
        code: 'locked',
        message: expect.stringContaining(`process ${process.pid} is at work in ${folder}. Wait for it, or stop it`) as string,
      });
      return 'first';
    });
    expect(inside).toBe('first');
    await expect(alone(folder, () => Promise.reject(new Error('no weights')))).rejects.toThrow('no weights');
    expect(await alone(folder, async () => 'third')).toBe('third');
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
