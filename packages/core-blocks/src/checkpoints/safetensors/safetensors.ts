import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { ConstantTensor, ExternalTensor, HostTensor } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from '../../errors.ts';
import { foreignFile, FOREIGN_BYTES } from '../foreign-file.ts';
import { decodeFloats } from '../floats.ts';
import { DTYPE_BYTES, MAX_HEADER_BYTES, PREFIX_BYTES, parseHeader, type SafetensorsDtype, type SafetensorsHeader } from './header.ts';

/** Metadata key of the checksum that {@link writeSafetensors} leaves and {@link verifySafetensors} checks. */
export const CHECKSUM_KEY = 'sha256';

/** One read of the file at most: fs.readSync takes no more than 2^31 - 1 bytes. */
const CHUNK_BYTES = 1 << 28;

const EXTERNAL_DTYPES: Partial<Record<SafetensorsDtype, ExternalTensor['dtype']>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F8_E4M3: 'float8e4m3fn',
  F8_E5M2: 'float8e5m2',
};

/** An opened .safetensors file: the checked header is in memory, tensors are read on demand, each by its own byte range. */
export class SafetensorsFile {
  readonly file: string;
  readonly header: SafetensorsHeader['entries'];
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the data section, in bytes from the start of the file. */
  readonly dataStart: number;

  constructor(file: string, header: SafetensorsHeader, dataStart: number) {
    this.file = file;
    this.header = header.entries;
    this.metadata = header.metadata;
    this.dataStart = dataStart;
  }

  names(): string[] {
    return [...this.header.keys()];
  }

  /**
   * A tensor as float32 (from F64, F32, F16, BF16, F8_E4M3, F8_E5M2) or int32 (from I32, I64).
   * @throws CoreBlocksError tensor-not-found; safetensors-invalid for other dtypes, an I64 beyond int32, or a file cut short since.
   */
  tensor(name: string): HostTensor {
    const { dtype, shape } = this.#entry(name);
    const bytes = this.#read(name);
    const floats = EXTERNAL_DTYPES[dtype];
    if (floats) return { data: decodeFloats(bytes, floats), shape };
    switch (dtype) {
      case 'F64':
        return { data: new Float32Array(new Float64Array(bytes)), shape };
      case 'I32':
        return { data: new Int32Array(bytes), shape };
      case 'I64':
        return { data: this.#narrow(name, new BigInt64Array(bytes)), shape };
      default:
        return this.#unreadable(name, dtype);
    }
  }

  /** The values of an F64 tensor without rounding to float32. @throws CoreBlocksError safetensors-invalid for other dtypes. */
  float64(name: string): Float64Array {
    const { dtype } = this.#entry(name);
    if (dtype !== 'F64')
      throw new CoreBlocksError('safetensors-invalid', `${this.file}: tensor "${name}" is ${dtype}, expected F64`, {
        file: this.file,
        tensor: name,
        dtype,
      });
    return new Float64Array(this.#read(name));
  }

  /**
   * Where a tensor's bytes lie, for an engine that maps the file instead of reading it; of an F64 tensor, which no engine computes with,
   * the float32 values.
   */
  external(name: string): ConstantTensor {
    const { dtype, shape, start, end } = this.#entry(name);
    const external = EXTERNAL_DTYPES[dtype];
    if (external) return { file: this.file, offset: this.dataStart + start, length: end - start, shape, dtype: external };
    return dtype === 'F64' ? this.tensor(name) : this.#unreadable(name, dtype);
  }

  #unreadable(name: string, dtype: SafetensorsDtype): never {
    throw new CoreBlocksError(
      'safetensors-invalid',
      `${this.file}: tensor "${name}" is ${dtype}; F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I32 and I64 can be read`,
      { file: this.file, tensor: name, dtype },
    );
  }

  #entry(name: string) {
    const entry = this.header.get(name);
    if (!entry) throw new CoreBlocksError('tensor-not-found', `${this.file} has no tensor "${name}"`, { file: this.file, tensor: name });
    return entry;
  }

  #read(name: string): ArrayBuffer {
    const { start, end } = this.#entry(name);
    return withFile(this.file, (fd) => readRange(fd, this.dataStart + start, end - start, this.file));
  }

  #narrow(name: string, values: BigInt64Array): Int32Array {
    const out = new Int32Array(values.length);
    for (const [i, value] of values.entries()) {
      if (BigInt.asIntN(32, value) !== value)
        throw new CoreBlocksError('safetensors-invalid', `${this.file}: tensor "${name}" holds ${value}, which int32 cannot`, {
          file: this.file,
          tensor: name,
          value,
        });
      out[i] = Number(value);
    }
    return out;
  }
}

/**
 * Opens a .safetensors file: reads and checks its header, not its tensors.
 * @throws CoreBlocksError file-read; safetensors-invalid naming the tensor and the fault (see {@link parseHeader}).
 */
export function readSafetensors(file: string): SafetensorsFile {
  return withFile(file, (fd) => {
    const size = fs.fstatSync(fd).size;
    const fail = (message: string) => new CoreBlocksError('safetensors-invalid', `${file}: ${message}`, { file, size });
    if (size === 0) throw new CoreBlocksError('safetensors-invalid', `${file} ${foreignFile(Buffer.alloc(0))}`, { file, size });
    if (size < PREFIX_BYTES) throw fail(`${size} bytes are too few for a safetensors file`);
    const length = new BigUint64Array(readRange(fd, 0, PREFIX_BYTES, file))[0] as bigint;
    const foreign =
      length > BigInt(MAX_HEADER_BYTES) ? foreignFile(Buffer.from(readRange(fd, 0, Math.min(size, FOREIGN_BYTES), file))) : null;
    if (foreign !== null) throw new CoreBlocksError('safetensors-invalid', `${file} ${foreign}`, { file, size });
    if (length > BigInt(MAX_HEADER_BYTES)) throw fail(`the header claims ${length} bytes, more than the limit of ${MAX_HEADER_BYTES}`);
    const dataStart = PREFIX_BYTES + Number(length);
    if (dataStart > size) throw fail(`the header claims ${length} bytes, but the file has only ${size} (truncated file?)`);
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(readRange(fd, PREFIX_BYTES, Number(length), file));
    } catch (error) {
      if (error instanceof CoreBlocksError) throw error;
      throw fail('the header is not UTF-8');
    }
    return new SafetensorsFile(path.resolve(file), parseHeader(text, size - dataStart, file), dataStart);
  });
}

/**
 * Opens a file that {@link writeSafetensors} wrote and checks all of its bytes against the checksum in its metadata.
 * @throws CoreBlocksError safetensors-checksum when it differs or is absent; whatever {@link readSafetensors} throws.
 */
export function verifySafetensors(file: string): SafetensorsFile {
  const opened = readSafetensors(file);
  const expected = opened.metadata[CHECKSUM_KEY];
  if (expected === undefined)
    throw new CoreBlocksError('safetensors-checksum', `${file}: its metadata carries no ${CHECKSUM_KEY}, so its data cannot be verified`, {
      file,
    });
  const hash = hashHeader(opened.header, opened.metadata);
  const bytes = [...opened.header.values()].reduce((sum, { start, end }) => sum + end - start, 0);
  withFile(file, (fd) => {
    for (let done = 0; done < bytes; done += CHUNK_BYTES)
      hash.update(new Uint8Array(readRange(fd, opened.dataStart + done, Math.min(CHUNK_BYTES, bytes - done), file)));
  });
  const actual = hash.digest('hex');
  if (actual !== expected)
    throw new CoreBlocksError(
      'safetensors-checksum',
      `${file}: the checksum of its contents is ${actual}, its metadata says ${expected}: the file is damaged`,
      { file, actual, expected },
    );
  return opened;
}

/** A hash that has taken in names, dtypes, shapes, places and metadata (but the checksum itself); the data follows. */
export function hashHeader(entries: SafetensorsHeader['entries'], metadata: Readonly<Record<string, string>>): Hash {
  const byName = <T>(pairs: [string, T][]) => pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  const meta = byName(Object.entries(metadata)).filter(([key]) => key !== CHECKSUM_KEY);
  const tensors = byName([...entries]).map(([name, { dtype, shape, start, end }]) => [name, dtype, shape, start, end]);
  return createHash('sha256').update(JSON.stringify([meta, tensors]));
}

/** Size in bytes of `count` elements. */
export const byteLength = (dtype: SafetensorsDtype, count: number): number => DTYPE_BYTES[dtype] * count;

function withFile<T>(file: string, f: (fd: number) => T): T {
  let fd: number;
  try {
    if (!fs.statSync(file).isFile()) throw new Error('it is no file'); // a named pipe would wait for ever
    fd = fs.openSync(file, 'r');
  } catch (error) {
    throw new CoreBlocksError('file-read', `cannot open ${file}: ${(error as Error).message}`, { file }, error);
  }
  try {
    return f(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function readRange(fd: number, offset: number, length: number, file: string): ArrayBuffer {
  const buffer = new ArrayBuffer(length);
  let done = 0;
  while (done < length) {
    const part = new Uint8Array(buffer, done, Math.min(CHUNK_BYTES, length - done));
    let count: number;
    try {
      count = fs.readSync(fd, part, 0, part.length, offset + done);
    } catch (error) {
      throw new CoreBlocksError('file-read', `cannot read ${file}: ${(error as Error).message}`, { file, offset }, error);
    }
    if (count === 0)
      throw new CoreBlocksError(
        'safetensors-invalid',
        `${file}: ends at byte ${offset + done}, expected ${length - done} more (truncated file?)`,
        { file, offset, length },
      );
    done += count;
  }
  return buffer;
}
