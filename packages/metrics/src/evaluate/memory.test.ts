import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** Reads a folder as evaluate does, for FID's network, which is left out; prints the most memory of the process in MB. */
const READ = `
import { openImageSource } from '@controllab/data';
import { inceptionPreprocess } from './src/inception/presets.ts';
import { readSet } from './src/evaluate/read-set.ts';
const run = async ({ shape }) => new Float32Array(shape[0]);
const network = { name: 'x', weightsHash: '', dimension: 1, batchSize: 4, preprocess: inceptionPreprocess('clean'), run, release: async () => {} };
const { names } = await readSet(await openImageSource(process.argv[1]), [network], () => {});
console.log(names.length, process.resourceUsage().maxRSS / 1024);
`;

/** Pictures of one format, and the most memory in MB that a process takes which reads them. */
async function peak(name: string, count: number, width: number, height: number, format: 'jpeg' | 'png'): Promise<number> {
  const set = path.join(folder, name);
  fs.mkdirSync(set);
  const first = path.join(set, `0.${format}`);
  await sharp({ create: { width, height, channels: 3, background: '#c81407' } })
    .toFormat(format)
    .toFile(first);
  for (let i = 1; i < count; i++) fs.copyFileSync(first, path.join(set, `${i}.${format}`));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=controllab', '--import', 'tsx', '--input-type=module', '--eval', READ, set],
    { cwd: path.join(import.meta.dirname, '../..') },
  );
  const [read, megabytes] = stdout.split(' ').map(Number);
  expect(read).toBe(count);
  return megabytes!;
}

// 256 MB of pixels are held, or one picture that is larger (README); a decoder's rows, and pixels that are not collected yet, come to it.
it('takes no more memory for many large pictures than it may', { timeout: 300_000 }, async () => {
  const small = await peak('small', 6, 64, 64, 'jpeg');
  // 72 MB each as pixels: all at once were 432 MB, and as floats, which they once were, each 288 MB.
  for (const format of ['jpeg', 'png'] as const)
    expect((await peak(`large-${format}`, 6, 6000, 4000, format)) - small, format).toBeLessThan(400);
  // 300 MB of pixels each: the one before may not be collected yet.
  expect((await peak('huge', 2, 10_000, 10_000, 'jpeg')) - small).toBeLessThan(2 * 300 + 100);
});
