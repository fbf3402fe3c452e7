import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openUserData } from '@controllab/data';
import { pictureTable } from '@controllab/data/testing/parquet';
import { encodePng } from '@controllab/report';
import type { Target } from '../target.ts';
import { sha } from './tensor-files.ts';

const SIDE = 8;
const picture = (seed: number): Promise<Uint8Array> =>
  encodePng(
    Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * seed + ((i * i) >> 3)) % 256),
    SIDE,
    SIDE,
  );

/** Which rows there are is what a table says; what can be relied upon is that each is whole, or the data is refused. */
const read: Target['read'] = async (file) => {
  const data = await openUserData({ data: file, resolution: SIDE });
  try {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < data.length; i++) {
      const { image, captions } = await data.example(i);
      if (image.rgb.length !== SIDE * SIDE * 3) throw new RangeError(`example ${i} has ${image.rgb.length} bytes`);
      parts.push(image.rgb, Buffer.from(captions['caption']!));
    }
    return { structure: '', payload: `${data.length} ${sha(...parts)}` };
  } finally {
    await data.close();
  }
};

/** Puts pictures a and b beside a table. */
const beside = (table: string) => async (folder: string) => {
  await mkdir(path.join(folder, 'im'));
  for (const [i, name] of ['a', 'b'].entries()) await writeFile(path.join(folder, 'im', `${name}.png`), await picture(37 + i));
  return path.join(folder, table);
};

const LINES = [
  { image: 'im/a.png', text: 'a cat' },
  { image: 'im/b.png', text: 'ü "two"\nlines' },
];

export const userTables: readonly Target[] = [
  {
    name: 'data-csv',
    samples: async () => [Buffer.from('\ufeffimage,caption\r\nim/a.png,a cat\r\n"im/b.png","ü ""two""\nlines"\r\n')],
    place: beside('train.csv'),
    text: true,
    hostile: () => [
      Buffer.from(`image,caption\nim/a.png,"${'x'.repeat(70_000_000)}`),
      Buffer.from('image,caption\n../x.png,out\n'),
      Buffer.from('image,caption\n/etc/passwd,out\n'),
      Buffer.from(`${','.repeat(1_000_000)}\n`),
    ],
    read,
  },
  {
    name: 'data-jsonl',
    samples: async () =>
      [LINES.map((line) => JSON.stringify(line)).join('\n'), JSON.stringify(LINES, null, 1)].map((text) => Buffer.from(text)),
    place: beside('train.jsonl'),
    text: true,
    hostile: () => [Buffer.from('['.repeat(1_000_000)), Buffer.from('{"image": "../../x.png", "text": "out"}'), Buffer.from('{}\n{}\n')],
    read,
  },
  {
    name: 'data-parquet',
    samples: async () => {
      const rows = await Promise.all(
        [1, 2, 3].map(async (i) => ({ image: await picture(i), condition: await picture(i + 9), text: `row ${i}` })),
      );
      return [pictureTable(rows, 2)];
    },
    place: async (folder) => path.join(folder, 'train.parquet'),
    hostile: () => [Buffer.from('PAR1PAR1'), Buffer.from('PAR1\xff\xff\xff\x7fPAR1', 'latin1'), Buffer.alloc(100)],
    read,
  },
];
