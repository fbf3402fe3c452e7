import { MetricsError } from '../errors.ts';

/** What numpy's header says of an array. */
export interface NpyHeader {
  readonly shape: readonly number[];
  /** Bytes of a number: float32 or float64. */
  readonly bytes: 4 | 8;
  readonly littleEndian: boolean;
  /** Column after column in place of row after row. */
  readonly fortran: boolean;
  /** Where the numbers begin. */
  readonly offset: number;
}

const MAGIC = '\x93NUMPY';
/** Of a header: numpy's own take 118 bytes. */
const MAX_HEADER_BYTES = 64 * 2 ** 10;
/** Bytes that hold any header that is read. */
export const NPY_HEAD_BYTES = MAX_HEADER_BYTES + 12;

/**
 * Reads the header of a .npy file, format versions 1 to 3.
 * @param what names the array in messages
 * @throws MetricsError invalid-statistics for what is no .npy, and for an array that is not of float32 or float64
 * Source: numpy.lib.format, "A Simple File Format for NumPy Arrays" (NEP 1)
 */
export function npyHeader(what: string, bytes: Buffer): NpyHeader {
  const fail = (why: string): never => {
    throw new MetricsError('invalid-statistics', `${what} ${why}`, { what });
  };
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC || bytes.length < 12) fail('is no array in numpy\u2019s .npy format');
  const version = bytes[6]!;
  if (version < 1 || version > 3) fail(`is in version ${version} of the .npy format; 1 to 3 are read`);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  if (length > MAX_HEADER_BYTES) fail(`has a header of ${length} bytes; up to ${MAX_HEADER_BYTES} are read`);
  if (start + length > bytes.length) fail('is cut short within its header');
  const text = bytes.toString(version === 3 ? 'utf8' : 'latin1', start, start + length).trim();
  const field = (name: string, value: string): string =>
    new RegExp(`[{,]\\s*'${name}'\\s*:\\s*${value}\\s*[,}]`).exec(text)?.[1] ??
    fail(`has a header without a plain ${name}: ${text.slice(0, 200)}`);
  const descr = field('descr', "'([^']*)'");
  const type = /^([<>])f([48])$/.exec(descr);
  if (type === null) {
    const why = /O$/.test(descr) ? 'Python objects, which are not read' : `numbers of type ${descr}; float32 and float64 are read`;
    return fail(`holds ${why}`);
  }
  const shape = field('shape', '\\(([\\d,\\sL]*)\\)')
    .split(',')
    .map((side) => side.replace('L', '').trim())
    .filter((side) => side !== '')
    .map(Number);
  if (!shape.every(Number.isSafeInteger)) fail(`has the shape (${shape.join(', ')})`);
  return {
    shape,
    bytes: type[2] === '4' ? 4 : 8,
    littleEndian: type[1] === '<',
    fortran: field('fortran_order', '(True|False)') === 'True',
    offset: start + length,
  };
}

/** Numbers of an array. */
export const npyCount = ({ shape }: NpyHeader): number => shape.reduce((a, b) => a * b, 1);

/** The numbers of a .npy file whose header was read, row after row. @throws MetricsError invalid-statistics for a file of another length */
export function npyNumbers(what: string, file: Buffer, header: NpyHeader): Float64Array {
  const { shape, bytes, littleEndian, fortran, offset } = header;
  const count = npyCount(header);
  if (file.length !== offset + count * bytes)
    throw new MetricsError(
      'invalid-statistics',
      `${what} has ${file.length - offset} bytes of numbers, its shape (${shape.join(', ')}) takes ${count * bytes}: it is damaged`,
      { what, shape },
    );
  const view = new DataView(file.buffer, file.byteOffset + offset);
  const read = (i: number): number => (bytes === 4 ? view.getFloat32(4 * i, littleEndian) : view.getFloat64(8 * i, littleEndian));
  const [rows = 1, columns = 1] = shape;
  const transposed = fortran && shape.length === 2;
  return Float64Array.from({ length: count }, (_, i) => read(transposed ? (i % columns) * rows + Math.floor(i / columns) : i));
}
