import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readConstant } from '../read-constant.ts';
import { readSafetensors, verifySafetensors } from './safetensors.ts';
import { writeSafetensors } from './write.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'safetensors-'));
  file = path.join(directory, 'x.safetensors');
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(directory, { recursive: true, force: true });
});

/** A file from a header (JSON text or object) and data bytes, with the true header length or a lie. */
function put(header: object | string, data: Uint8Array = new Uint8Array(0), length?: bigint): void {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(json.length));
  fs.writeFileSync(file, Buffer.concat([prefix, json, data]));
}
const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const entry = (dtype: string, shape: unknown, start: unknown, end: unknown) => ({ dtype, shape, data_offsets: [start, end] });

describe('readSafetensors', () => {
  it('reads every dtype it promises', () => {
    const parts = [
      Float32Array.of(1.5, -2),
      Uint16Array.of(0x3c00, 0x3800),
      Uint16Array.of(0x3f80, 0x4000),
      Int32Array.of(7, -7),
      BigInt64Array.of(-3n, 2n ** 31n - 1n),
      Float64Array.of(0.1, 1e300),
    ].map(bytes);
    put(
      {
        a: entry('F32', [2], 0, 8),
        b: entry('F16', [2], 8, 12),
        c: entry('BF16', [2, 1], 12, 16),
        d: entry('I32', [2], 16, 24),
        e: entry('I64', [2], 24, 40),
        f: entry('F64', [2], 40, 56),
      },
      Buffer.concat(parts),
    );
    const opened = readSafetensors(file);
    expect(opened.names()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(opened.tensor('a')).toEqual({ data: Float32Array.of(1.5, -2), shape: [2] });
    expect(opened.tensor('b').data).toEqual(Float32Array.of(1, 0.5));
    expect(opened.tensor('c')).toEqual({ data: Float32Array.of(1, 2), shape: [2, 1] });
    expect(opened.tensor('d').data).toEqual(Int32Array.of(7, -7));
    expect(opened.tensor('e').data).toEqual(Int32Array.of(-3, 2147483647));
    expect(opened.tensor('f').data).toEqual(Float32Array.of(0.1, Infinity));
    expect([...opened.float64('f')]).toEqual([0.1, 1e300]);
    expect(opened.external('f')).toEqual({ data: Float32Array.of(0.1, Infinity), shape: [2] });
    expect(opened.external('c')).toEqual({ file, offset: opened.dataStart + 12, length: 4, shape: [2, 1], dtype: 'bfloat16' });
  });

  it('reads 8-bit floats', () => {
    put({ a: entry('F8_E4M3', [2], 0, 2), b: entry('F8_E5M2', [1, 2], 2, 4) }, Uint8Array.of(0x3c, 0xfe, 0x3e, 0xfb));
    const opened = readSafetensors(file);
    expect(opened.tensor('a')).toEqual({ data: Float32Array.of(1.5, -448), shape: [2] });
    expect(opened.tensor('b')).toEqual({ data: Float32Array.of(1.5, -57344), shape: [1, 2] });
    for (const name of ['a', 'b']) expect(readConstant(opened.external(name))).toEqual(opened.tensor(name));
    expect(opened.external('b')).toEqual({ file, offset: opened.dataStart + 2, length: 2, shape: [1, 2], dtype: 'float8e5m2' });
  });

  it('reads only the bytes of the tensor asked for', () => {
    put({ a: entry('F32', [1000], 0, 4000), b: entry('F32', [1], 4000, 4004) }, new Uint8Array(4004));
    const opened = readSafetensors(file);
    const read = vi.spyOn(fs, 'readSync');
    opened.tensor('b');
    expect(read.mock.results.map(({ value }) => value as number)).toEqual([4]);
  });

  it('accepts padding behind the JSON, no tensors, and scalars', () => {
    put(`{"s":${JSON.stringify(entry('F32', [], 0, 4))}}   `, bytes(Float32Array.of(9)));
    expect(readSafetensors(file).tensor('s')).toEqual({ data: Float32Array.of(9), shape: [] });
    put({});
    expect(readSafetensors(file).names()).toEqual([]);
  });

  it.each<[string, () => void, RegExp]>([
    ['a header longer than the limit', () => put({}, undefined, 2n ** 60n), /claims 1152921504606846976 bytes, more than the limit/],
    ['a header longer than the file', () => put({}, undefined, 1000n), /claims 1000 bytes, but the file has only 10/],
    ['a file without a header', () => fs.writeFileSync(file, 'abc'), /3 bytes are too few/],
    ['no JSON', () => put('{"a":'), /not JSON/],
    ['no object', () => put('[]'), /not a JSON object/],
    [
      'bytes that are not UTF-8',
      () => {
        put('{"a":1}');
        const raw = fs.readFileSync(file);
        raw[10] = 0xff;
        fs.writeFileSync(file, raw);
      },
      /not UTF-8/,
    ],
    [
      'a name twice',
      () =>
        put(`{"a\\u0062":${JSON.stringify(entry('F32', [1], 0, 4))},"ab":${JSON.stringify(entry('F32', [1], 0, 4))}}`, new Uint8Array(4)),
      /names "ab" twice/,
    ],
    ['negative offsets', () => put({ a: entry('F32', [1], -4, 0) }, new Uint8Array(4)), /"a": data_offsets/],
    ['fractional offsets', () => put({ a: entry('F32', [1], 0.5, 4.5) }, new Uint8Array(8)), /"a": data_offsets/],
    ['reversed offsets', () => put({ a: entry('F32', [1], 4, 0) }, new Uint8Array(4)), /outside/],
    [
      'offsets beyond the file',
      () => put({ a: entry('F32', [2], 0, 8) }, new Uint8Array(4)),
      /"a": bytes 0\.\.8 are outside of the 4 data bytes/,
    ],
    [
      'overlapping tensors',
      () => put({ a: entry('F32', [2], 0, 8), b: entry('F32', [2], 4, 12) }, new Uint8Array(12)),
      /"b" begins at byte 4, inside/,
    ],
    [
      'a hole',
      () => put({ a: entry('F32', [1], 0, 4), b: entry('F32', [1], 8, 12) }, new Uint8Array(12)),
      /bytes 4\.\.8 in front of tensor "b"/,
    ],
    [
      'bytes behind the last tensor',
      () => put({ a: entry('F32', [1], 0, 4) }, new Uint8Array(5)),
      /end at data byte 4, but the file has 5/,
    ],
    ['an unknown dtype', () => put({ a: entry('F31', [1], 0, 4) }, new Uint8Array(4)), /"a": unknown dtype "F31"/],
    ['a dtype named like an object method', () => put({ a: entry('toString', [1], 0, 4) }, new Uint8Array(4)), /unknown dtype "toString"/],
    [
      'a dtype of another size',
      () => put({ a: entry('F16', [1], 0, 4) }, new Uint8Array(4)),
      /F16 \[1\] takes 2 bytes, but its offsets span 4/,
    ],
    ['a negative dimension', () => put({ a: entry('F32', [-1, -1], 0, 4) }, new Uint8Array(4)), /shape must be/],
    ['a shape whose product overflows', () => put({ a: entry('F32', [2 ** 40, 2 ** 40], 0, 4) }, new Uint8Array(4)), /takes/],
    ['an entry that is null', () => put({ a: null }), /"a": unknown dtype/],
    ['metadata that is not strings', () => put({ __metadata__: { step: 1 } }), /__metadata__/],
  ])('refuses %s', (_, make, message) => {
    make();
    expect(() => readSafetensors(file)).toThrow(message);
    expect(() => readSafetensors(file)).toThrow(expect.objectContaining({ name: 'CoreBlocksError', code: 'safetensors-invalid' }));
  });

  it('names the file that is missing, the tensor that is missing, and values that do not fit', () => {
    expect(() => readSafetensors(path.join(directory, 'no'))).toThrow(expect.objectContaining({ code: 'file-read' }));
    put(
      { a: entry('I64', [1], 0, 8), b: entry('BOOL', [1], 8, 9) },
      Buffer.concat([bytes(BigInt64Array.of(2n ** 31n)), new Uint8Array(1)]),
    );
    const opened = readSafetensors(file);
    expect(() => opened.tensor('z')).toThrow(expect.objectContaining({ code: 'tensor-not-found' }));
    expect(() => opened.tensor('a')).toThrow(/holds 2147483648, which int32 cannot/);
    expect(() => opened.tensor('b')).toThrow(/BOOL/);
    fs.truncateSync(file, fs.statSync(file).size - 4);
    expect(() => opened.tensor('a')).toThrow(/truncated/);
  });
});

describe('what is taken for a safetensors file', () => {
  it.each([
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3438167536\n',
      /is a Git LFS pointer.*git lfs pull/,
    ],
    ['a checkpoint of PyTorch', 'PK\x03\x04\0\0\x08\x08', /is a zip archive, the format of PyTorch's pickled files \(\.ckpt/],
    ['an older one', '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9', /is a pickle.*weights_only=True/],
    ['a web page', '<!DOCTYPE html><html><head>', /is a web page/],
    ['a picture', '\x89PNG\r\n\x1a\n', /x\.safetensors is a picture$/],
    ['GGUF', 'GGUF\x03\0\0\0\x10', /is a GGUF file/],
    ['Keras', '\x89HDF\r\n\x1a\n', /is an HDF5 file/],
    ['nothing', '', /is empty/],
    ['noise', '\xff\xff\xff\xff\xff\xff\xff\xff', /the header claims 18446744073709551615 bytes/],
  ])('is named: %s', (_, contents, message) => {
    fs.writeFileSync(file, Buffer.from(contents, 'latin1'));
    expect(() => readSafetensors(file)).toThrow(message);
  });

  it('a dtype that is not read, once it is asked for', () => {
    put({ a: entry('F8_E8M0', [2], 0, 2), b: entry('F32', [0], 2, 2) }, new Uint8Array(2));
    const opened = readSafetensors(file);
    expect(opened.tensor('b').data).toHaveLength(0);
    for (const read of [() => opened.tensor('a'), () => opened.external('a')])
      expect(read).toThrow(/"a" is F8_E8M0; F64, F32.* can be read/);
  });
});

describe('a header has a budget for', () => {
  const million = 'x'.repeat(10 ** 6);
  it.each<[string, string, RegExp]>([
    ['a name', JSON.stringify({ [million]: entry('F32', [0], 0, 0) }), /a tensor's name has 1000000 characters, more than 1000: "xxx/],
    ['a dtype', JSON.stringify({ a: entry(million, [0], 0, 0) }), /unknown dtype "x{70,80}/],
    ['dimensions', JSON.stringify({ a: entry('F32', Array<number>(10 ** 5).fill(1), 0, 4) }), /a list of at most 16 non-negative/],
    ['offsets', JSON.stringify({ a: entry('F32', [0], million, 0) }), /data_offsets must be two/],
    ['depth', `{"a":${'['.repeat(10 ** 6)}${']'.repeat(10 ** 6)}}`, /is nested 1000001 deep, more than 64/],
    ['depth that does not end', `{"a":${'{"a":'.repeat(10 ** 6)}`, /is nested 1000001 deep/],
    ['a string that does not end', `{"${'\\"'.repeat(10 ** 6)}`, /is not JSON/],
    ['all of it', ' '.repeat(17 * 2 ** 20), /the header claims 17825792 bytes, more than the limit of 16777216/],
  ])('%s', (_, header, message) => {
    put(header);
    expect(() => readSafetensors(file)).toThrow(
      expect.objectContaining({ name: 'CoreBlocksError', message: expect.stringMatching(message) }),
    );
    try {
      readSafetensors(file);
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(500);
    }
  });

  it('metadata, which may be long', () => {
    put({ __metadata__: { notes: million } });
    expect(readSafetensors(file).metadata['notes']).toHaveLength(10 ** 6);
  });
});

describe('writeSafetensors', () => {
  const tensors = { b: { data: Float32Array.of(1, 2, 3), shape: [3, 1] }, a: { data: Int32Array.of(4), shape: [] } };

  it('keeps doubles whole, whatever the dtype of the float32 tensors', () => {
    writeSafetensors(
      file,
      { v: { data: Float64Array.of(0.1, 1e300), shape: [2] }, w: { data: Float32Array.of(1), shape: [1] } },
      { dtype: 'F16' },
    );
    expect([...verifySafetensors(file).float64('v')]).toEqual([0.1, 1e300]);
  });

  it('is read back, verified, and has the same bytes whatever the order of the names', () => {
    writeSafetensors(file, tensors, { metadata: { step: '5' } });
    const first = fs.readFileSync(file);
    const opened = verifySafetensors(file);
    expect(opened.names()).toEqual(['a', 'b']);
    expect(opened.tensor('b')).toEqual(tensors.b);
    expect(opened.tensor('a')).toEqual(tensors.a);
    expect(opened.metadata['step']).toBe('5');
    expect(opened.dataStart % 8).toBe(0);
    writeSafetensors(file, { a: tensors.a, b: tensors.b }, { metadata: { step: '5' } });
    expect(fs.readFileSync(file).equals(first)).toBe(true);
  });

  it('stores floats as F16 and ints as I32 when asked for F16', () => {
    writeSafetensors(file, tensors, { dtype: 'F16' });
    const opened = verifySafetensors(file);
    expect(opened.header.get('b')?.dtype).toBe('F16');
    expect(opened.header.get('a')?.dtype).toBe('I32');
    expect(opened.tensor('b')).toEqual(tensors.b);
  });

  it('writes part of a larger buffer where an array is a view', () => {
    writeSafetensors(file, { v: { data: Float32Array.of(0, 1, 2, 3).subarray(1, 3), shape: [2] } }, { dtype: 'F16' });
    expect([...readSafetensors(file).tensor('v').data]).toEqual([1, 2]);
  });

  it('lets no damaged byte through: data, name, metadata', () => {
    writeSafetensors(file, tensors, { metadata: { step: '5' } });
    const good = fs.readFileSync(file);
    for (const [from, to] of [
      ['"step":"5"', '"step":"6"'],
      ['"b":{', '"c":{'],
    ] as const) {
      fs.writeFileSync(file, Buffer.from(good.toString('latin1').replace(from, to), 'latin1'));
      expect(() => verifySafetensors(file)).toThrow(expect.objectContaining({ code: 'safetensors-checksum' }));
    }
    const flipped = Buffer.from(good);
    flipped[flipped.length - 1] = (flipped[flipped.length - 1] as number) ^ 1;
    fs.writeFileSync(file, flipped);
    expect(() => verifySafetensors(file)).toThrow(/damaged/);
    put({});
    expect(() => verifySafetensors(file)).toThrow(/carries no sha256/);
  });

  it('makes the folders that are missing', () => {
    const deep = path.join(path.dirname(file), 'not', 'there', 'yet.safetensors');
    writeSafetensors(deep, tensors);
    expect(() => verifySafetensors(deep)).not.toThrow();
  });

  it.each(['writeSync', 'fsyncSync', 'renameSync'] as const)('keeps the old file and leaves nothing behind when %s fails', (method) => {
    writeSafetensors(file, tensors);
    const before = fs.readFileSync(file);
    vi.spyOn(fs, method).mockImplementation(() => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    });
    const error = expect.objectContaining({
      code: 'file-write',
      values: { file, reason: 'ENOSPC' },
      message: expect.stringContaining(file) as string,
      cause: expect.objectContaining({ path: file }) as Error,
    });
    expect(() => writeSafetensors(file, { a: tensors.a })).toThrow(error);
    vi.restoreAllMocks();
    expect(fs.readFileSync(file).equals(before)).toBe(true);
    expect(fs.readdirSync(directory)).toEqual(['x.safetensors']);
  });

  it('refuses data that does not fill its shape', () => {
    expect(() => writeSafetensors(file, { a: { data: Float32Array.of(1), shape: [2] } })).toThrow(/"a": shape \[2\] needs 2 values, got 1/);
    expect(fs.readdirSync(directory)).toEqual([]);
  });
});
