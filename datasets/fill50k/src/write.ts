import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { checkOutput, writeAtomic, type RgbImage } from '@controllab/data';
import { fill50k, type CircleSource } from './dataset.ts';
import { Fill50kError } from './errors.ts';

/** Pictures that are packed at a time. */
const AT_ONCE = 8;

/**
 * Writes circles as the files of ControlNet's tutorial: `source/0.png` (outlines), `target/0.png` (pictures), and prompt.json, which has
 * one line of JSON for each and comes last: a folder without it is not finished.
 * @param folder new, or empty
 * @throws Fill50kError not-empty; DataError file-write
 */
export async function writeFill50k(folder: string, source: CircleSource, onWritten: (count: number) => void = () => {}): Promise<void> {
  const dataset = fill50k(source);
  await checkOutput(folder, 'folder');
  const there = await readdir(folder).catch(() => []);
  if (there.length > 0)
    throw new Fill50kError(
      'not-empty',
      `${folder} holds other files (${there.slice(0, 3).join(', ')}): name a new folder, or empty this one`,
      {
        folder,
      },
    );
  for (const part of ['source', 'target']) await mkdir(path.join(folder, part), { recursive: true });
  const lines: string[] = [];
  const write = async (index: number): Promise<void> => {
    const example = await dataset.example(index);
    const names = { source: `source/${index}.png`, target: `target/${index}.png` };
    await writeFile(path.join(folder, names.source), await pngOf(example.condition('source')));
    await writeFile(path.join(folder, names.target), await pngOf(example.image));
    lines[index] = JSON.stringify({ ...names, prompt: example.captions.caption });
  };
  for (let start = 0; start < dataset.length; start += AT_ONCE) {
    const count = Math.min(AT_ONCE, dataset.length - start);
    await Promise.all(Array.from({ length: count }, (_, i) => write(start + i)));
    onWritten(start + count);
  }
  await writeAtomic(path.join(folder, 'prompt.json'), lines.map((line) => `${line}\n`).join(''));
}

const pngOf = ({ rgb, width, height }: RgbImage): Promise<Buffer> =>
  sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
