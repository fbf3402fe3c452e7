import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { storedZip } from '@controllab/data/testing/zip';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CoreBlocksError } from '../../errors.ts';
import { readTorchFile } from './torch-file.ts';

let directory: string;
beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'torch-file-'));
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

/** A zip archive of stored records. */
const zip = (records: Record<string, Buffer> | readonly (readonly [string, Buffer])[]): Buffer =>
  storedZip(Array.isArray(records) ? (records as [string, Buffer][]) : Object.entries(records as Record<string, Buffer>));

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

type Described = (storage: Buffer) => Buffer;
const int = (value: number) => Buffer.from([0x4a, ...new Uint8Array(Int32Array.of(value).buffer)]);
const word = (text: string) => Buffer.concat([Buffer.from([0x8c, text.length]), Buffer.from(text)]);
const tupleOf = (values: readonly number[]) => Buffer.concat([Buffer.from('('), ...values.map(int), Buffer.from('t')]);

/** A tensor over the first storage, as torch pickles it; one stride, or a list of them. */
function tensor(name: string, shape: number | readonly number[], strides: number | readonly number[] = 1): Described {
  const list = (value: number | readonly number[]) => (typeof value === 'number' ? [value] : value);
  return (storage) =>
    Buffer.concat([
      ...[word(name), Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n('), storage, int(0), tupleOf(list(shape)), tupleOf(list(strides))],
      Buffer.from('\x89}tR', 'latin1'),
    ]);
}

/** Records of a state dict whose tensors share one storage of `length` ones. */
function described(tensors: readonly Described[], length: number): Record<string, Buffer> {
  const storage = Buffer.concat([
    ...[Buffer.from('('), word('storage'), Buffer.from('ctorch\nFloatStorage\n'), word('0'), word('cpu'), int(length), Buffer.from('tQ')],
  ]);
  const pickle = Buffer.concat([hex('80027d28'), ...tensors.map((of) => of(storage)), Buffer.from('u.')]);
  return { 't/data.pkl': pickle, 't/data/0': Buffer.from(Float32Array.from({ length }, () => 1).buffer) };
}

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
    ['an empty file', Buffer.alloc(0), /is empty: the download/],
    ['a web page', Buffer.from('<!DOCTYPE html>'), /is a web page/],
    ['anything else', Buffer.from('weights'), /no zip archive/],
  ])('says what to do with %s', async (_, contents, message) => {
    await expect(read(contents)).rejects.toThrow(message);
  });

  it('checks every record that it reads', async () => {
    const archive = zip(RECORDS);
    archive[archive.indexOf(RECORDS['t/data/0'], 0) + 5]! ^= 1;
    await expect(read(archive)).rejects.toThrow(/damaged: the checksum of the record t\/data\/0 is not the archive's/);
    const pickled = zip(RECORDS);
    pickled[pickled.indexOf('half')]! ^= 1;
    await expect(read(pickled)).rejects.toThrow(/checksum of the record t\/data\.pkl/);
  });

  it('names a file that is not there', async () => {
    await expect(readTorchFile(path.join(directory, 'none.pth'))).rejects.toThrow(CoreBlocksError);
    await expect(readTorchFile(path.join(directory, 'none.pth'))).rejects.toThrow(/none\.pth cannot be read/);
  });

  describe('does not read what stands twice', () => {
    it.each([
      [
        'a storage of two lengths',
        replaced('X\x01\x00\x00\x001q', 'X\x01\x00\x00\x000q'),
        /storage "0" that it has 6 numbers of F32 and 2 of F16/,
      ],
      [
        'a record',
        [...Object.entries(RECORDS), ['t/data/0', RECORDS['t/data/1']]] as [string, Buffer][],
        /has the record "t\/data\/0" twice/,
      ],
      ['a state dict', { ...RECORDS, 'u/data.pkl': PICKLE }, /holds two state dicts, t\/data\.pkl and u\/data\.pkl/],
    ] as const)('%s', async (_, records, message) => {
      await expect(read(zip(records as Record<string, Buffer>))).rejects.toThrow(message);
    });

    it('but a storage that two tensors share', async () => {
      const { a, b } = await read(zip(described([tensor('a', 2), tensor('b', 2)], 2)));
      expect([a, b]).toEqual([1, 2].map(() => ({ data: Float32Array.of(1, 1), shape: [2] })));
    });
  });

  describe('has a budget for', () => {
    const names = (count: number) => Array.from({ length: count }, (_, i) => tensor(`t${i}`, 2 ** 20, 0));
    it('all that repeats stored numbers', async () => {
      await expect(read(zip(described(names(15), 1)))).resolves.toHaveProperty('t14');
      await expect(read(zip(described(names(17), 1)))).rejects.toThrow(/tensors of 17825792 numbers in all, but stores only 1/);
    });

    it.each([
      // Every dictionary is one byte in the file.
      ['objects', Buffer.concat([hex('8002'), Buffer.alloc(2 ** 20, '}'), hex('2e')]), /makes more than 500000 objects/],
      // A pair of a pair of ... pairs, 2^40 characters were it written out, where the name of a module is expected.
      ['names', hex(`80025d7100${'68006800867100'.repeat(40)}8c0178932e`), /refers to what is no name/],
      [
        'arguments',
        Buffer.concat([
          hex('8002'),
          Buffer.from('ccollections\nOrderedDict\n('),
          Buffer.alloc(2 ** 17, 'N'),
          hex('7452 2e'.replace(' ', '')),
        ]),
        /with 131072 arguments/,
      ],
    ])('%s', async (_, pickle, message) => {
      await expect(read(zip({ 't/data.pkl': pickle }))).rejects.toMatchObject({
        name: 'CoreBlocksError',
        message: expect.stringMatching(message) as string,
      });
    });

    it('what an archive expands to', async () => {
      const archive = zip(RECORDS);
      // The sizes that the central directory states for t/data/0, stored and expanded.
      const place = archive.lastIndexOf('t/data/0') - 46;
      for (const field of [20, 24]) archive.writeUInt32LE(0xfffffff0, place + field);
      await expect(read(archive)).rejects.toThrow(/would expand to more than \d+ bytes \(at the record "t\/data\/0"\)/);
    });

    it('sides, of which one may be 0', async () => {
      const { empty } = await read(zip(described([tensor('empty', [0, 2 ** 30, 2 ** 30], [0, 0, 0])], 1)));
      expect(empty).toEqual({ data: new Float32Array(0), shape: [0, 2 ** 30, 2 ** 30] });
      await expect(read(zip(described([tensor('deep', Array<number>(20).fill(1), Array<number>(20).fill(1))], 1)))).rejects.toThrow(
        /describes a tensor in a way that cannot be read/,
      );
    });
  });
});
