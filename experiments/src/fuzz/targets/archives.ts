import { mkdir, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { openImageSource } from '@controllab/data';
import { storedZip } from '@controllab/data/testing/zip';
import type { Reading, Target } from '../target.ts';
import { sha } from './tensor-files.ts';

const FILES: readonly (readonly [string, Buffer])[] = [
  ['a/one.png', Buffer.from('first picture')],
  ['a/one.txt', Buffer.from('a caption')],
  ['b/two.jpg', Buffer.from('second picture')],
  ['b/two.txt', Buffer.from('another caption')],
];

/** The names of an archive's images are what its user relies on; the decoder judges their bytes. */
async function read(file: string): Promise<Reading> {
  const source = await openImageSource(file);
  const names: string[] = [];
  const parts: Uint8Array[] = [];
  for await (const { name, bytes, caption } of source.entries()) {
    names.push(name);
    parts.push(bytes, Buffer.from(caption ?? ''));
  }
  return { structure: names.join('; '), payload: sha(...parts) };
}

/** A tar may end anywhere with zeros, as many as there are: files that have become zeros are no longer there for anybody. */
async function readTar(file: string, names: readonly string[]): Promise<Reading> {
  const { structure, payload } = await read(names[0]!.includes('.tar') ? path.dirname(file) : file);
  const whole = names.join('; ');
  const tail = readFileSync(file).subarray(-3 * 512);
  return {
    structure: whole.startsWith(structure) && tail.every((byte) => byte === 0) ? whole : structure,
    payload: `${structure} ${payload}`,
  };
}

/** A record of a tar in POSIX's ustar layout, with the checksum of its header. */
function tarRecord(name: string, data: Uint8Array, { size = data.length, type = '0' }: { size?: number; type?: string } = {}): Buffer {
  const head = Buffer.alloc(512);
  head.write(name, 0);
  head.write('0000644\x000000000\x000000000\x00', 100, 'latin1');
  head.write(`${size.toString(8).padStart(11, '0')}\x00`, 124, 'latin1');
  head.write('00000000000\x00        ', 136, 'latin1');
  head.write(`${type}`, 156);
  head.write('ustar\x0000', 257, 'latin1');
  const sum = head.reduce((a, b) => a + b, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\x00 `, 148, 'latin1');
  return Buffer.concat([head, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}
const tarOf = (records: readonly Buffer[]): Buffer => Buffer.concat([...records, Buffer.alloc(1024)]);

/** A record that unpacks to far more than it takes, and one that claims to. */
function zipBomb(claimed: number): Buffer {
  const packed = deflateRawSync(Buffer.alloc(300 * 2 ** 20));
  const archive = storedZip([['bomb.png', packed]]);
  // Deflated, of that size: in the record's own header, and in the list at the end.
  for (const at of [8, archive.indexOf('PK\x01\x02', 0, 'latin1') + 10]) {
    archive.writeUInt16LE(8, at);
    archive.writeUInt32LE(claimed, at + 14);
  }
  return archive;
}

const images = FILES.filter(([name]) => !name.endsWith('.txt'));

export const archives: readonly Target[] = [
  {
    name: 'zip',
    samples: async () => [storedZip(images)],
    place: async (folder) => path.join(folder, 'set.zip'),
    hostile: () => [
      zipBomb(300 * 2 ** 20),
      zipBomb(100),
      storedZip([...images, images[0]!]),
      storedZip([['../x.png', images[0]![1]]]),
      storedZip([['/x.png', images[0]![1]]]),
    ],
    read,
  },
  {
    name: 'tar',
    samples: async () => [tarOf(FILES.map(([name, data]) => tarRecord(name, data)))],
    place: async (folder) => path.join(folder, 'set.tar'),
    hostile: () => [
      tarOf([tarRecord('x.png', Buffer.alloc(3), { size: 8 ** 11 - 1 })]),
      tarOf([tarRecord('x.png', images[0]![1]), tarRecord('x.png', images[0]![1])]),
      tarOf([tarRecord('../x.png', images[0]![1])]),
    ],
    read: (file) => readTar(file, ['a/one.png', 'b/two.jpg']),
  },
  {
    name: 'packed-tar',
    samples: async () => [gzipSync(tarOf(FILES.map(([name, data]) => tarRecord(name, data))))],
    place: async (folder) => path.join(folder, 'set.tar.gz'),
    hostile: () => [
      gzipSync(tarOf([tarRecord('x.bin', Buffer.alloc(300 * 2 ** 20))])),
      gzipSync(tarOf([tarRecord('x.png', Buffer.alloc(3), { size: 8 ** 11 - 1 })])),
    ],
    read,
  },
  {
    name: 'shards',
    samples: async () => [tarOf(FILES.slice(0, 2).map(([name, data]) => tarRecord(name, data)))],
    place: async (folder) => {
      await mkdir(path.join(folder, 'set'));
      await writeFile(path.join(folder, 'set', '000.tar'), tarOf([tarRecord('c.png', Buffer.from('third'))]));
      return path.join(folder, 'set', '001.tar');
    },
    read: (file) => readTar(file, ['000.tar/c.png', '001.tar/a/one.png']),
  },
];
