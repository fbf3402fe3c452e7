import { readFileSync } from 'node:fs';
import path from 'node:path';
import { writeAtomic, type RgbImage } from '@controllab/data';
import type { Stored } from '../../../runner/store.ts';

const PICTURES = 'pictures.rgb';

/** How many pictures a cell of the store has, all of one size. */
export interface PictureSize {
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

/** Writes a cell's pictures. @param images one or more */
export async function writePictures(directory: string, images: readonly RgbImage[]): Promise<{ value: PictureSize; files: string[] }> {
  const { width, height } = images[0]!;
  await writeAtomic(path.join(directory, PICTURES), Buffer.concat(images.map(({ rgb }) => rgb)));
  return { value: { count: images.length, width, height }, files: [PICTURES] };
}

export function readPictures({ directory, value: { count, width, height } }: Pick<Stored<PictureSize>, 'directory' | 'value'>): RgbImage[] {
  const bytes = new Uint8Array(readFileSync(path.join(directory, PICTURES)));
  const size = width * height * 3;
  return Array.from({ length: count }, (_, i) => ({ rgb: bytes.subarray(i * size, (i + 1) * size), width, height }));
}
