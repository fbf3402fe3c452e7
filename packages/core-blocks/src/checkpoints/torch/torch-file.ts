import fs from 'node:fs';
import { crc32 } from '@controllab/data';
import type { HostTensor } from '@controllab/tfjs-onnx';
import yauzl from 'yauzl';
import { CoreBlocksError } from '../../errors.ts';
import { decodeBfloat16, decodeFloat16 } from '../floats.ts';
import { foreignFile, FOREIGN_BYTES } from '../foreign-file.ts';
import { shown } from '../../config.ts';
import { unpickle } from './pickle.ts';

/** A state dict's pickle holds names and shapes only: Stable Diffusion's 1,100 tensors take 0.2 MB. */
const MAX_PICKLE_BYTES = 8 * 2 ** 20;

/**
 * Most elements of all tensors together beyond twice what the file stores: tensors may share their numbers, whole or as views, or repeat
 * them (strides of 0), so that a tiny file could name any amount.
 */
const MAX_REPEATED = 2 ** 24;

/** Most bytes that records may have beyond four times the file: weights hardly shrink when they are compressed. */
const MAX_INFLATED = 64 * 2 ** 20;

/** Most records: a storage each. */
const MAX_RECORDS = 2 ** 16;
const MAX_RANK = 16;

const ITEM_BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8 };
type Dtype = keyof typeof ITEM_BYTES;

const STORAGES: Record<string, Dtype> = {
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  DoubleStorage: 'F64',
  LongStorage: 'I64',
};

/** Where numbers lie: a record of the archive. */
class Storage {
  readonly dtype: Dtype;
  readonly key: string;
  readonly length: number;

  constructor(dtype: Dtype, key: string, length: number) {
    this.dtype = dtype;
    this.key = key;
    this.length = length;
  }
}

/** A tensor as the pickle describes it, its numbers not read yet. */
class StoredTensor {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

const CONVERT = 'convert it in Python: torch.save(torch.load(FILE, map_location="cpu"), NEW_FILE)';

/** Elements of a tensor; none where one side is 0, however long the others are. */
const elements = (shape: readonly number[]): number => (shape.includes(0) ? 0 : shape.reduce((a, b) => a * b, 1));

/**
 * A state dict from a file that `torch.save` wrote in its zip layout (PyTorch 1.6 and later): tensors by name, as float32 (from F64, F32,
 * F16, BF16) or int32 (from I64). Nothing in the file is executed: what is not a dictionary of tensors is refused by name.
 * Every record's checksum is checked; tensors that share a storage each get a copy.
 * @throws CoreBlocksError invalid-file: no such layout (with the way to convert it), cut short or damaged, records or storages that stand
 *   twice, or anything but a state dict.
 */
export async function readTorchFile(file: string): Promise<Record<string, HostTensor>> {
  await checkLayout(file);
  return withArchive(file, async (archive) => {
    if ([...archive.entries.keys()].some((name) => /^[^/]+\/(constants\.pkl|code\/)/.test(name))) {
      throw invalid(
        file,
        'is a TorchScript program; save its weights in Python: torch.save(torch.jit.load(FILE, map_location="cpu").state_dict(), NEW_FILE)',
      );
    }
    const [pickleName, another] = [...archive.entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
    if (pickleName === undefined) throw invalid(file, 'is a zip archive without data.pkl, so torch.save did not write it');
    if (another !== undefined) throw invalid(file, `holds two state dicts, ${pickleName} and ${another}`);
    const root = pickleName.slice(0, -'data.pkl'.length);
    if (archive.entries.has(`${root}byteorder`) && (await archive.read(`${root}byteorder`, 16)).toString('latin1') !== 'little')
      throw invalid(file, 'holds big-endian numbers; little-endian ones can be read');
    const tensors = stateDict(file, await archive.read(pickleName, MAX_PICKLE_BYTES));
    const numbers = new Map<string, Promise<Float32Array | Int32Array>>();
    const storageOf = ({ key, dtype, length }: Storage) => {
      const name = `${root}data/${key}`;
      const found =
        numbers.get(name) ??
        archive.read(name, length * ITEM_BYTES[dtype], length * ITEM_BYTES[dtype]).then((bytes) => decode(file, name, bytes, dtype));
      numbers.set(name, found);
      return found;
    };
    const read: [string, HostTensor][] = [];
    for (const [name, tensor] of tensors) read.push([name, { data: gather(await storageOf(tensor.storage), tensor), shape: tensor.shape }]);
    return Object.fromEntries(read);
  });
}

const invalid = (file: string, message: string, cause?: unknown): CoreBlocksError =>
  new CoreBlocksError('invalid-file', `${file} ${message}`, { file }, cause);

/** Tells files that are no zip archive apart by their first bytes. */
async function checkLayout(file: string): Promise<void> {
  let start: Buffer;
  try {
    const handle = await fs.promises.open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(FOREIGN_BYTES), 0, FOREIGN_BYTES, 0);
      start = buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw invalid(file, `cannot be read: ${(error as Error).message}`, error);
  }
  if (start.subarray(0, 4).toString('latin1') === 'PK\x03\x04') return;
  // The magic number 0x1950a86a20f9469cfc6c as a pickle of protocol 2 (torch/serialization.py).
  if (start.subarray(0, 14).toString('hex') === '80028a0a6cfc9c46f9206aa85019')
    throw invalid(file, `has PyTorch's legacy layout (before 1.6), which is a chain of pickles; ${CONVERT}`);
  const foreign = start[0] === 0x80 ? null : foreignFile(start);
  if (foreign !== null) throw invalid(file, foreign);
  throw invalid(file, `is no zip archive, the layout of torch.save since PyTorch 1.6; if it is an older PyTorch file, ${CONVERT}`);
}

/** torch writes every OrderedDict empty, and sets its items behind it. */
function emptyDictionary(...items: unknown[]): Map<unknown, unknown> {
  if (items.length > 0) throw new CoreBlocksError('invalid-file', 'makes a dictionary of a list, which torch.save does not');
  return new Map();
}

/** Name and description of every tensor in a pickled dictionary of tensors. */
function stateDict(file: string, pickle: Uint8Array): [string, StoredTensor][] {
  const storageClasses = Object.entries(STORAGES).map(([name, dtype]) => [`torch.${name}`, { dtype }] as const);
  const storages = new Map<string, Storage>();
  let repeated = 0;
  const rebuild = (storage: unknown, offset: unknown, shape: unknown, strides: unknown): StoredTensor => {
    const counts = (list: unknown): list is number[] =>
      Array.isArray(list) && list.length <= MAX_RANK && list.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
    if (!(storage instanceof Storage) || !counts([offset]) || !counts(shape) || !counts(strides) || shape.length !== strides.length)
      throw invalid(file, 'describes a tensor in a way that cannot be read');
    const size = elements(shape);
    const end = size === 0 ? 0 : (offset as number) + shape.reduce((last, length, i) => last + (length - 1) * strides[i]!, 0) + 1;
    repeated += size;
    if (end > storage.length || size > storage.length + MAX_REPEATED)
      throw invalid(
        file,
        `has a tensor [${shape.join(', ')}] with strides [${strides.join(', ')}] that does not fit its ${storage.length} stored numbers`,
      );
    return new StoredTensor(storage, offset as number, shape, strides);
  };
  const world = {
    globals: new Map<string, unknown>([
      ['collections.OrderedDict', emptyDictionary],
      ['torch._utils._rebuild_tensor_v2', rebuild],
      ...storageClasses,
    ]),
    persistent(id: unknown): Storage {
      const [kind, type, key, , length] = (Array.isArray(id) ? id : []) as [
        unknown,
        { dtype?: Dtype } | undefined,
        unknown,
        unknown,
        unknown,
      ];
      if (kind !== 'storage' || !type?.dtype || typeof key !== 'string' || !Number.isSafeInteger(length) || (length as number) < 0)
        throw invalid(file, 'refers to a storage in a way that cannot be read');
      const storage = storages.get(key) ?? new Storage(type.dtype, key, length as number);
      if (storage.dtype !== type.dtype || storage.length !== length)
        throw invalid(
          file,
          `says of the storage ${shown(key)} that it has ${storage.length} numbers of ${storage.dtype} and ${String(length)} of ${type.dtype}`,
        );
      storages.set(key, storage);
      return storage;
    },
  };
  let root: unknown;
  try {
    root = unpickle(pickle, world);
  } catch (error) {
    throw error instanceof CoreBlocksError && !error.message.startsWith(file)
      ? invalid(file, `is no plain state dict: ${error.message}`, error)
      : error;
  }
  if (!(root instanceof Map)) throw invalid(file, 'holds no dictionary of tensors');
  const entries = [...(root as Map<unknown, unknown>)];
  const other = entries
    .filter(([name, value]) => typeof name !== 'string' || !(value instanceof StoredTensor))
    .slice(0, 5)
    .map(([name]) => (typeof name === 'string' ? name.slice(0, 100) : typeof name));
  if (other.length) throw invalid(file, `holds more than tensors by name (${other.join(', ')}); save the state dict alone`);
  const stored = [...storages.values()].reduce((sum, { length }) => sum + length, 0);
  if (repeated > 2 * stored + MAX_REPEATED)
    throw invalid(file, `has tensors of ${repeated} numbers in all, but stores only ${stored}: too many repeat them`);
  return entries as [string, StoredTensor][];
}

function decode(file: string, record: string, bytes: Buffer, dtype: Dtype): Float32Array | Int32Array {
  const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  switch (dtype) {
    case 'F32':
      return new Float32Array(own);
    case 'F64':
      return Float32Array.from(new Float64Array(own));
    case 'F16':
      return decodeFloat16(new Uint16Array(own));
    case 'BF16':
      return decodeBfloat16(new Uint16Array(own));
    case 'I64':
      return Int32Array.from(new BigInt64Array(own), (value) => {
        if (BigInt.asIntN(32, value) !== value) throw invalid(file, `holds ${value} in ${record}, which int32 cannot`);
        return Number(value);
      });
  }
}

/** The elements of a tensor in row-major order. */
function gather(numbers: Float32Array | Int32Array, { offset, shape, strides }: StoredTensor): Float32Array | Int32Array {
  const size = elements(shape);
  let expected = 1;
  const contiguous = shape
    .map((length, i) => [length, strides[i]!] as const)
    .reverse()
    .every(([length, stride]) => {
      const fits = length === 1 || stride === expected;
      expected *= length;
      return fits;
    });
  if (size === 0 || contiguous) return numbers.slice(offset, offset + size);
  const out = numbers instanceof Float32Array ? new Float32Array(size) : new Int32Array(size);
  const index = shape.map(() => 0);
  for (let i = 0, from = offset; i < size; i++) {
    out[i] = numbers[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= index[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

interface Archive {
  entries: ReadonlyMap<string, yauzl.Entry>;
  /** The bytes of a record: at most `limit`, and exactly `size` where it is given. */
  read(name: string, limit: number, size?: number): Promise<Buffer>;
}

/** Opens a zip archive, lists its records, lends it to `use` and closes it. */
async function withArchive<T>(file: string, use: (archive: Archive) => Promise<T>): Promise<T> {
  const damaged = (error: unknown) =>
    error instanceof CoreBlocksError ? error : invalid(file, `is damaged or cut short: ${(error as Error).message}`, error);
  const zip = await new Promise<yauzl.ZipFile>((resolve, reject) =>
    yauzl.open(file, { lazyEntries: true, autoClose: false }, (error, opened) => (error ? reject(damaged(error)) : resolve(opened))),
  );
  try {
    const entries = await new Promise<Map<string, yauzl.Entry>>((resolve, reject) => {
      const found = new Map<string, yauzl.Entry>();
      const most = MAX_INFLATED + 4 * zip.fileSize;
      let bytes = 0;
      zip
        .on('error', reject)
        .on('end', () => resolve(found))
        .on('entry', (entry: yauzl.Entry) => {
          bytes += entry.uncompressedSize;
          const name = shown(entry.fileName);
          if (found.has(entry.fileName)) return reject(invalid(file, `has the record ${name} twice`));
          if (found.size === MAX_RECORDS) return reject(invalid(file, `has more than ${MAX_RECORDS} records`));
          if (bytes > most) return reject(invalid(file, `would expand to more than ${most} bytes (at the record ${name})`));
          found.set(entry.fileName, entry);
          zip.readEntry();
        });
      zip.readEntry();
    });
    const read = async (name: string, limit: number, size?: number): Promise<Buffer> => {
      const entry = entries.get(name);
      if (!entry) throw invalid(file, `lacks the record ${name} that it refers to`);
      if (entry.uncompressedSize > limit || (size !== undefined && entry.uncompressedSize !== size))
        throw invalid(file, `has ${entry.uncompressedSize} bytes in ${name}, expected ${size ?? `at most ${limit}`}`);
      const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
        zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened))),
      );
      const parts: Buffer[] = [];
      for await (const part of stream) parts.push(part as Buffer); // yauzl ends with an error beyond the size it stated
      const bytes = Buffer.concat(parts);
      if (crc32(bytes) !== entry.crc32) throw invalid(file, `is damaged: the checksum of the record ${name} is not the archive's`);
      return bytes;
    };
    return await use({ entries, read });
  } catch (error) {
    throw damaged(error);
  } finally {
    zip.close();
  }
}
