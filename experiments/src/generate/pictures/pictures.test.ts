import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { destinationOf } from './destination.ts';
import { exifBlock, readExifBlock } from './exif.ts';
import { checkDestination, slug, writePicture } from './outputs.ts';
import { encodePicture, readPictureText } from './picture-file.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pictures-'));
const at = (...names: string[]): string => path.join(directory, ...names);
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const image = { rgb: Uint8Array.from({ length: 16 * 8 * 3 }, (_, i) => (i * 7) % 256), width: 16, height: 8 };
const text = { parameters: 'Bär 猫\nSteps: 2', command: "npx controllab generate --prompt 'Bär 猫'", more: { prompt: 'Bär 猫' } };

it('lays an EXIF block out as the standard says', () => {
  // By hand: big-endian TIFF; three entries at 8, of which the description lies behind them at 50 and the pointer leads to 68.
  const expected = [
    '4d4d002a00000008',
    '0003',
    '010e 0002 00000005 00000032',
    '0131 0002 0000000b 00000038',
    '8769 0004 00000001 00000044',
    '00000000',
    '64726177 00 00',
    '636f6e74726f6c6c6162 00 00',
    '0001',
    '9286 0007 0000000c 00000056',
    '00000000',
    '554e49434f444500 0041 732b',
  ];
  const block = exifBlock({ software: 'controllab', description: 'draw', comment: 'A猫' });
  expect(block.toString('hex')).toBe(expected.join('').replaceAll(' ', ''));
  expect(readExifBlock(block)).toEqual({ software: 'controllab', description: 'draw', comment: 'A猫' });
  for (let end = 0; end < block.length - 1; end++) expect(() => readExifBlock(block.subarray(0, end))).not.toThrow();
});

describe.each(['a.png', 'a.jpg', 'a.jpeg', 'a.webp'])('%s', (name) => {
  it('holds the picture and what it was made with', async () => {
    const bytes = await encodePicture(name, image, text);
    expect(readPictureText(bytes)).toEqual({ parameters: text.parameters, command: text.command });
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([16, 8, 3]);
    if (name === 'a.png') expect(new Uint8Array(data)).toEqual(image.rgb);
  });

  it('is no picture of ours when someone else wrote it', async () => {
    const bytes = await encodePicture(name, image, text);
    const format = name.slice(2).replace('jpg', 'jpeg') as 'png' | 'jpeg' | 'webp';
    const other = await sharp(bytes)
      .toFormat(format)
      .withExif({ IFD0: { Software: 'controllab' } })
      .toBuffer();
    expect(readPictureText(other)).toBeNull();
    expect(readPictureText(other.subarray(0, 30))).toBeNull();
    expect(readPictureText(Buffer.alloc(0))).toBeNull();
  });
});

it('says that a JPEG cannot hold settings of more than 64 kB', async () => {
  await expect(encodePicture('a.jpg', image, { ...text, parameters: 'x'.repeat(40_000) })).rejects.toThrow(
    /a JPEG holds 65535; write a \.png/,
  );
});

describe('where pictures go', () => {
  const check = (out: string, more: Partial<Parameters<typeof checkDestination>[1]> = {}) =>
    checkDestination(destinationOf(out, 1), { bytes: 1000, overwrite: false, inputs: [], ...more });

  it('is a file by its extension, else a folder', () => {
    fs.mkdirSync(at('folder.png'));
    expect(destinationOf(at('x.WebP'), 1)).toEqual({ file: at('x.WebP') });
    expect(destinationOf(at('x'), 3)).toEqual({ folder: at('x') });
    expect(destinationOf(at('x.v2/'), 3)).toEqual({ folder: at('x.v2') });
    expect(destinationOf(at('folder.png'), 3)).toEqual({ folder: at('folder.png') });
    expect(destinationOf(null, 3)).toMatchObject({ folder: expect.stringMatching(/runs.generate$/) });
    expect(() => destinationOf(at('x.gif'), 1)).toThrow(/x\.gif/);
  });

  it('is looked at before anything is drawn, and left as it was', async () => {
    await check(at('new', 'deep', 'x.png'));
    expect(fs.existsSync(at('new'))).toBe(false);
    fs.writeFileSync(at('file'), 'mine');
    await expect(check(at('file', 'x.png'))).rejects.toThrow(/file is a file, not a folder/);
    await expect(check(at('file'))).rejects.toThrow(/file is a file, not a folder/);
    await expect(check(at('x.png'), { bytes: 1e18 })).rejects.toMatchObject({ code: 'disk-full' });
    await expect(check('/proc/x.png')).rejects.toThrow(/cannot write to \/proc/);
    expect(fs.readdirSync(directory).sort()).toEqual(['file', 'folder.png']);
  });

  it('leaves no empty file where a picture cannot be written', async () => {
    // The name has room for the picture, not for the temporary one beside it.
    const write = writePicture({ folder: at('long') }, 'x'.repeat(240), async () => Buffer.from('picture'));
    await expect(write).rejects.toMatchObject({ code: 'ENAMETOOLONG', path: at('long', `${'x'.repeat(240)}.png`) });
    expect(fs.readdirSync(at('long'))).toEqual([]);
  });

  it('is a new name for each picture, also when two write at once', async () => {
    const write = () => writePicture({ folder: at('many') }, slug('Ein Bär, 2 Katzen!'), async (file) => Buffer.from(file));
    const files = await Promise.all([write(), write(), write()]);
    expect(files.map((file) => path.basename(file)).sort()).toEqual([
      'ein-bär-2-katzen-2.png',
      'ein-bär-2-katzen-3.png',
      'ein-bär-2-katzen.png',
    ]);
    for (const file of files) expect(fs.readFileSync(file, 'utf8')).toBe(file);
    expect([slug('../..'), slug('猫'.repeat(90)).length]).toEqual(['empty', 50]);
  });
});
