import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openUserData } from '@controllab/data';
import { encodePng } from '@controllab/report';
import type { Target } from '../target.ts';
import { sha } from './tensor-files.ts';

const SIDE = 8;
const ROWS = ['a cat', 'a "small" dog', 'ü'].map((caption, i) => ({
  name: `${i}.png`,
  caption,
  rgb: Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, k) => (k * 37 * (i + 1)) % 256),
}));

const shown = (caption: string | undefined, rgb: Uint8Array): string => sha(caption ?? '', rgb);
const WHOLE = ROWS.map(({ caption, rgb }) => shown(caption, rgb));

/** What `train` gets of a user's own pictures. A text table that was cut between two rows is a whole one of fewer: the same, then. */
const read: Target['read'] = async (file) => {
  const data = await openUserData({ data: file, resolution: SIDE });
  try {
    const examples: string[] = [];
    for (let i = 0; i < data.length; i++) {
      const { captions, image } = await data.example(i);
      examples.push(shown(captions['caption'], image.rgb));
    }
    return { structure: '', payload: examples.every((example, i) => example === WHOLE[i]) ? 'the first rows' : examples.join() };
  } finally {
    await data.close();
  }
};

const linesOf = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** A table of JSON lines that a user trains on. */
export const pictureLines: Target = {
  name: 'pictures-jsonl',
  samples: async () => [Buffer.from(linesOf(ROWS.map(({ name, caption }) => ({ file_name: name, text: caption }))))],
  place: async (folder) => {
    for (const { name, rgb } of ROWS) await writeFile(path.join(folder, name), await encodePng(rgb, SIDE, SIDE));
    return path.join(folder, 'metadata.jsonl');
  },
  text: true,
  hostile: () =>
    [
      '['.repeat(5_000_000),
      linesOf([{ file_name: '../0.png', text: 'x' }]),
      linesOf([{ file_name: '/etc/hostname', text: 'x' }]),
      `{"file_name":"0.png","text":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`,
    ].map((text) => Buffer.from(text)),
  read,
};
