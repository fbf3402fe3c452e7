import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from '../../errors.ts';
import { encodeFloat16 } from '../floats.ts';
import { CHECKSUM_KEY, byteLength, hashHeader } from './safetensors.ts';
import { PREFIX_BYTES, type SafetensorsEntry } from './header.ts';

/** A tensor of doubles, for results that must not be rounded; models compute with {@link HostTensor}s. */
export interface Float64Tensor {
  data: Float64Array;
  shape: readonly number[];
}

/**
 * Writes tensors to a .safetensors file: all of it or nothing. The bytes depend only on the arguments (names are sorted), and
 * the metadata gets a sha256 of everything else in the file.
 * The data goes to a temporary name beside the target, is synced, then renamed: after a full disk or a crash the file that was
 * there before is still there. Folders that are missing are made.
 * @param options.dtype how float32 tensors are stored; F16 halves the size and rounds. Int tensors are always I32, float64 ones F64.
 * @throws CoreBlocksError invalid-input when data and shape disagree; file-write naming the file and the system's reason.
 */
export function writeSafetensors(
  file: string,
  tensors: Record<string, HostTensor | Float64Tensor>,
  options: { metadata?: Record<string, string>; dtype?: 'F32' | 'F16' } = {},
): void {
  const names = Object.keys(tensors).sort();
  const entries = new Map<string, SafetensorsEntry>();
  let end = 0;
  for (const name of names) {
    const { data, shape } = tensors[name]!;
    const count = shape.reduce((a, b) => a * b, 1);
    if (count !== data.length)
      throw new CoreBlocksError(
        'invalid-input',
        `tensor "${name}": shape [${shape.join(', ')}] needs ${count} values, got ${data.length}`,
        { tensor: name, shape, length: data.length },
      );
    const dtype = data instanceof Int32Array ? 'I32' : data instanceof Float64Array ? 'F64' : (options.dtype ?? 'F32');
    const start = end;
    end += byteLength(dtype, count);
    entries.set(name, { dtype, shape: [...shape], start, end });
  }
  // Encoded when needed, once for the checksum and once to write: a float16 copy of everything would double the memory.
  const encode = (name: string): Uint8Array => {
    const { data } = tensors[name]!;
    const stored = data instanceof Float32Array && options.dtype === 'F16' ? encodeFloat16(data) : data;
    return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  };
  const hash = hashHeader(entries, options.metadata ?? {});
  for (const name of names) for (const piece of pieces(encode(name))) hash.update(piece);
  const metadata = { ...options.metadata, [CHECKSUM_KEY]: hash.digest('hex') };
  const header = encodeHeader(entries, metadata);
  replaceFile(file, (write) => {
    write(header);
    for (const name of names) write(encode(name));
  });
}

/** Neither a checksum nor a write takes 2 GiB at once. */
function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  const PIECE = 1 << 28;
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

function encodeHeader(entries: Map<string, SafetensorsEntry>, metadata: Record<string, string>): Uint8Array {
  const sorted = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  const members = [
    `"__metadata__":${JSON.stringify(sorted)}`,
    ...[...entries].map(
      ([name, { dtype, shape, start, end }]) => `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [start, end] })}`,
    ),
  ];
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8; // the data then begins at a multiple of 8, so that it can be mapped
  const bytes = new Uint8Array(PREFIX_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, PREFIX_BYTES);
  return bytes;
}

function replaceFile(file: string, produce: (write: (bytes: Uint8Array) => void) => void): void {
  const directory = path.dirname(path.resolve(file));
  const temporary = path.join(directory, `.${path.basename(file)}.${randomUUID()}.tmp`);
  let fd: number | null = null;
  try {
    fs.mkdirSync(directory, { recursive: true });
    const opened = (fd = fs.openSync(temporary, 'wx'));
    produce((bytes) => {
      for (const piece of pieces(bytes)) for (let done = 0; done < piece.length;) done += fs.writeSync(opened, piece, done);
    });
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    fd = null;
    fs.renameSync(temporary, file);
    syncDirectory(directory);
  } catch (error) {
    if (fd !== null) fs.closeSync(fd);
    fs.rmSync(temporary, { force: true });
    // Of a full disk the system does not say which file was being written.
    Object.assign(error as NodeJS.ErrnoException, { path: file });
    throw new CoreBlocksError(
      'file-write',
      `cannot write ${file}: ${(error as Error).message}`,
      { file, reason: (error as NodeJS.ErrnoException).code },
      error,
    );
  }
}

/** Makes a rename survive a power cut. Windows cannot open directories, and does not need it. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const fd = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
