import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CoreBlocksError } from '../../errors.ts';
import { readTorchFile } from './torch-file.ts';

let directory: string;
beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'torch-file-'));
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

/** A zip archive of stored records. */
function zip(records: Record<string, Buffer>): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(records)) {
    const common = Buffer.alloc(26); // version to extra length: no flags, stored, no time, no checksum
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, place, Buffer.from(name));
    const record = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), data]);
    parts.push(record);
    offset += record.length;
  }
  const list = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(records).length, 4);
  end.writeUInt16LE(Object.keys(records).length, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, list, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

/**
 * The data.pkl that PyTorch 1.13 writes for OrderedDict(a=base.t(), row=base[1], half=[1.5, -2] (float16), bf=[[0.5]] (bfloat16),
 * double=[1/3] (float64), count=-7 (int64), none=zeros(0, 4), wide=[9.].expand(2, 2)) with base = arange(6).reshape(2, 3).
 */
const PICKLE = Buffer.from(
  'gAJjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQApUnEBKFgBAAAAYXECY3RvcmNoLl91dGlscwpfcmVidWlsZF90ZW5zb3JfdjIKcQMoKFgHAAAAc3RvcmFnZXEEY3RvcmNoCkZsb2F0U3RvcmFnZQpxBVgBAAAAMHEGWAMAAABjcHVxB0sGdHEIUUsASwNLAoZxCUsBSwOGcQqJaAApUnELdHEMUnENWAMAAAByb3dxDmgDKChoBGgFaAZoB0sGdHEPUUsDSwOFcRBLAYVxEYloAClScRJ0cRNScRRYBAAAAGhhbGZxFWgDKChoBGN0b3JjaApIYWxmU3RvcmFnZQpxFlgBAAAAMXEXaAdLAnRxGFFLAEsChXEZSwGFcRqJaAApUnEbdHEcUnEdWAIAAABiZnEeaAMoKGgEY3RvcmNoCkJGbG9hdDE2U3RvcmFnZQpxH1gBAAAAMnEgaAdLAXRxIVFLAEsBSwGGcSJLAUsBhnEjiWgAKVJxJHRxJVJxJlgGAAAAZG91YmxlcSdoAygoaARjdG9yY2gKRG91YmxlU3RvcmFnZQpxKFgBAAAAM3EpaAdLAXRxKlFLAEsBhXErSwGFcSyJaAApUnEtdHEuUnEvWAUAAABjb3VudHEwaAMoKGgEY3RvcmNoCkxvbmdTdG9yYWdlCnExWAEAAAA0cTJoB0sBdHEzUUsAKSmJaAApUnE0dHE1UnE2WAQAAABub25lcTdoAygoaARoBVgBAAAANXE4aAdLAHRxOVFLAEsASwSGcTpLBEsBhnE7iWgAKVJxPHRxPVJxPlgEAAAAd2lkZXE/aAMoKGgEaAVYAQAAADZxQGgHSwF0cUFRSwBLAksChnFCSwBLAIZxQ4loAClScUR0cUVScUZ1Lg==',
  'base64',
);

const hex = (data: string) => Buffer.from(data, 'hex');
const RECORDS = {
  't/data.pkl': PICKLE,
  't/data/0': hex('000000000000803f0000004000004040000080400000a040'),
  't/data/1': hex('003e00c0'),
  't/data/2': hex('003f'),
  't/data/3': hex('555555555555d53f'),
  't/data/4': hex('f9ffffffffffffff'),
  't/data/5': hex(''),
  't/data/6': hex('00001041'),
};

/** Reads a file of these contents. */
function read(contents: Buffer) {
  const file = path.join(directory, 'weights.pth');
  fs.writeFileSync(file, contents);
  return readTorchFile(file);
}

const replaced = (from: string, to: string) => {
  const text = PICKLE.toString('latin1');
  expect(text).toContain(from);
  return { ...RECORDS, 't/data.pkl': Buffer.from(text.replace(from, to), 'latin1') };
};

describe('readTorchFile', () => {
  it('reads every dtype, views, transposed and expanded tensors', async () => {
    const tensors = await read(zip(RECORDS));
    expect(Object.keys(tensors)).toEqual(['a', 'row', 'half', 'bf', 'double', 'count', 'none', 'wide']);
    expect(tensors).toEqual({
      a: { data: Float32Array.of(0, 3, 1, 4, 2, 5), shape: [3, 2] },
      row: { data: Float32Array.of(3, 4, 5), shape: [3] },
      half: { data: Float32Array.of(1.5, -2), shape: [2] },
      bf: { data: Float32Array.of(0.5), shape: [1, 1] },
      double: { data: Float32Array.of(1 / 3), shape: [1] },
      count: { data: Int32Array.of(-7), shape: [] },
      none: { data: new Float32Array(0), shape: [0, 4] },
      wide: { data: Float32Array.of(9, 9, 9, 9), shape: [2, 2] },
    });
  });

  it.each([
    [
      'a function that is not allowed',
      replaced('collections\nOrderedDict', 'posix\nsystem'),
      /refers to posix\.system, which is not allowed/,
    ],
    ['a storage of another dtype', replaced('torch\nLongStorage', 'torch\nBoolStorage'), /torch\.BoolStorage, which is not allowed/],
    ['an opcode that is not allowed', replaced('R', 'o'), /opcode 0x6f is not allowed/],
    ['a pickle that breaks off', { ...RECORDS, 't/data.pkl': PICKLE.subarray(0, 300) }, /breaks off/],
    ['a pickle without its end', { ...RECORDS, 't/data.pkl': PICKLE.subarray(0, -1) }, /breaks off/],
    [
      'strides beyond the storage',
      replaced('K\x03K\x02\x86', 'K\x03K\x05\x86'),
      /\[3, 5\] with strides \[1, 3\] that does not fit its 6 stored numbers/,
    ],
    ['an expanded tensor of absurd size', replaced('K\x02K\x02\x86', 'J\x00\x00\x00\x40K\x02\x86'), /does not fit its 1 stored numbers/],
    [
      'a missing record',
      Object.fromEntries(Object.entries(RECORDS).filter(([name]) => name !== 't/data/3')),
      /lacks the record t\/data\/3/,
    ],
    ['a record of another size', { ...RECORDS, 't/data/1': hex('003e') }, /has 2 bytes in t\/data\/1, expected 4/],
    ['an integer beyond int32', { ...RECORDS, 't/data/4': hex('00000000ffffff7f') }, /which int32 cannot/],
    ['big-endian numbers', { ...RECORDS, 't/byteorder': Buffer.from('big') }, /big-endian/],
    ['a TorchScript program', { ...RECORDS, 't/code/model.py': Buffer.from('') }, /TorchScript.*state_dict\(\)/],
    ['something else in a zip archive', { 'a.txt': Buffer.from('a') }, /without data\.pkl/],
    ['an object that is no dictionary', { 't/data.pkl': hex('80025d2e') }, /holds no dictionary/],
    ['more than tensors', { 't/data.pkl': hex('80027d580500000065706f63684b03732e') }, /more than tensors by name \(epoch\)/],
  ] as const)('refuses %s', async (_, records, message) => {
    await expect(read(zip(records as Record<string, Buffer>))).rejects.toThrow(message);
    await expect(read(zip(records as Record<string, Buffer>))).rejects.toMatchObject({
      name: 'CoreBlocksError',
      code: 'invalid-file',
      message: expect.stringContaining('weights.pth') as string,
    });
  });

  it.each([
    ['the legacy layout', hex('80028a0a6cfc9c46f9206aa85019002e'), /legacy layout.*torch\.save/],
    ['an archive cut short', zip(RECORDS).subarray(0, 700), /damaged or cut short/],
    ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /Git LFS pointer/],
    ['an empty file', Buffer.alloc(0), /no zip archive/],
  ])('says what to do with %s', async (_, contents, message) => {
    await expect(read(contents)).rejects.toThrow(message);
  });

  it('names a file that is not there', async () => {
    await expect(readTorchFile(path.join(directory, 'none.pth'))).rejects.toThrow(CoreBlocksError);
    await expect(readTorchFile(path.join(directory, 'none.pth'))).rejects.toThrow(/none\.pth cannot be read/);
  });
});
