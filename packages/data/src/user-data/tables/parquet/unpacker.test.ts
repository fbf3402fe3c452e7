import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parquetMetadataAsync, type AsyncBuffer } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pictureTable } from '../../../testing/parquet.ts';
import { Unpacker, type UnpackRequest } from './unpacker.ts';

let root: string;
const unpacker = new Unpacker();
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'unpacker-'))));
afterAll(async () => {
  await unpacker.close();
  rmSync(root, { recursive: true });
});

const TABLE = pictureTable(
  [1, 2, 3].map((i) => ({ image: Buffer.from(`picture ${i}`), condition: Buffer.from(`condition ${i}`), text: `row ${i}` })),
  2,
);
const LIMIT = { seconds: 60, megabytes: 512 };

/** The first row group of the table, some bytes of which are others; its footer is whole. */
async function request(changed: Readonly<Record<number, number>> = {}): Promise<UnpackRequest> {
  const bytes = Buffer.from(TABLE);
  for (const [at, value] of Object.entries(changed)) bytes[Number(at)] = value;
  const file = path.join(root, `${JSON.stringify(changed)}.parquet`);
  writeFileSync(file, bytes);
  const buffer: AsyncBuffer = { byteLength: TABLE.length, slice: (start, end) => new Uint8Array(TABLE).slice(start, end).buffer };
  return { file, metadata: await parquetMetadataAsync(buffer), columns: ['image', 'text'], rowStart: 0, rowEnd: 2 };
}

describe('row groups', () => {
  it('are unpacked in their order, however many are asked for at once', async () => {
    const [first, second] = await Promise.all([unpacker.unpack(await request(), LIMIT), unpacker.unpack(await request(), LIMIT)]);
    expect(first.map(({ text }) => text)).toEqual(['row 1', 'row 2']);
    expect(Buffer.from((second[1]!['image'] as { bytes: Uint8Array }).bytes).toString()).toBe('picture 2');
  });

  it('that are damaged so that their reader would not come to an end, end with a sentence', async () => {
    // Behind PAR1 the header of the first page: type, size, packed size as varints, then how many values it has, at byte 11.
    for (const [value, at] of [
      [0x80, 11],
      [0xfe, 12],
    ] as const) {
      const bad = await request({ [at]: value });
      await expect(unpacker.unpack(bad, { seconds: 1, megabytes: 512 })).rejects.toThrow(
        /^it (does not come to an end in 1 seconds|takes more than 512 MB)/,
      );
    }
    expect(await unpacker.unpack(await request(), LIMIT)).toHaveLength(2);
  });

  it('that cannot be read are told in the words of their reader, and of the file', async () => {
    await expect(unpacker.unpack(await request({ 4: 0xff }), LIMIT)).rejects.toThrow(/\w/);
    await expect(unpacker.unpack({ ...(await request()), file: path.join(root, 'gone.parquet') }, LIMIT)).rejects.toThrow(/ENOENT/);
    expect(await unpacker.unpack(await request(), LIMIT)).toHaveLength(2);
  });
});
