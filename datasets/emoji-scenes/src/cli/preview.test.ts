import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { startCommand } from '@controllab/command-line/testing';

const preview = (...flags: string[]) => startCommand(new URL('./preview.ts', import.meta.url), ...flags);

test('writes a contact sheet and says where', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'emoji-scenes-'));
  const out = join(directory, 'deep', 'sheet.png');
  const { code, stdout } = await preview('--tier=quick', '--count=2', '--size=32', `--out=${out}`);
  expect(code).toBe(0);
  expect(stdout).toBe(`Wrote 2 scenes to ${out}\n`);
  const { width, height } = await sharp(out).metadata();
  expect([width, height]).toEqual([1614, 434]);
  await rm(directory, { recursive: true });
});

test.each([
  [['--tier=huge'], 'Allowed choices are quick, core, default, full'],
  [['--count=0'], 'Expected an integer from 1 to 200'],
  [['--colour'], "unknown option '--colour'"],
  [['--tier=quick', '--split=val-object'], "none of the pool's 40 objects is held out"],
])('%j is an error that says what is wrong', async (flags, message) => {
  const { code, stderr } = await preview(...flags);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
});
