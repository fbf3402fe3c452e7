import { CoreBlocksError } from '../../errors.ts';
import { shown } from '../../config.ts';
import { parseObject } from '../json-text.ts';

/** Bytes per element of the format's dtypes. */
export const DTYPE_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
} as const;
export type SafetensorsDtype = keyof typeof DTYPE_BYTES;

/**
 * A lying length must not make us allocate gigabytes, nor a header of nothing but tensors. The reference implementation takes 100 MB
 * (`MAX_HEADER_SIZE`); SDXL's 2,515 tensors take 0.3 MB, the longest training logs in the metadata of published LoRAs some 2 MB.
 */
export const MAX_HEADER_BYTES = 16 * 2 ** 20;

/** Characters of a tensor's name: published ones have at most 150, and every message about a tensor quotes its name. */
const MAX_NAME = 1000;

/** Dimensions of a tensor. */
const MAX_RANK = 16;

/** Bytes in front of the header: its length as a little-endian 64-bit number. */
export const PREFIX_BYTES = 8;

/** One tensor: `start` and `end` count from the first byte of the data section. */
export interface SafetensorsEntry {
  dtype: SafetensorsDtype;
  shape: readonly number[];
  start: number;
  end: number;
}

export interface SafetensorsHeader {
  entries: Map<string, SafetensorsEntry>;
  metadata: Record<string, string>;
}

/**
 * Parses and checks a header against the number of data bytes that follow it: types, byte lengths, and that the tensors cover
 * the data exactly, without overlaps or holes.
 * @throws CoreBlocksError safetensors-invalid naming the file, the tensor and what is wrong.
 */
export function parseHeader(text: string, dataBytes: number, file: string): SafetensorsHeader {
  const fail = (message: string, values: Record<string, unknown> = {}): never => {
    throw new CoreBlocksError('safetensors-invalid', `${file}: ${message}`, { file, ...values });
  };
  const json = parseObject(text, (message, cause) => {
    throw new CoreBlocksError('safetensors-invalid', `${file}: the header ${message}`, { file }, cause);
  });

  const entries = new Map<string, SafetensorsEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.values(value).some((v) => typeof v !== 'string'))
        fail('__metadata__ must map strings to strings');
      metadata = value as Record<string, string>;
    } else entries.set(name, checkEntry(name, value, dataBytes, fail));
  }
  checkCoverage(entries, dataBytes, fail);
  return { entries, metadata };
}

type Fail = (message: string, values?: Record<string, unknown>) => never;

function checkEntry(name: string, value: unknown, dataBytes: number, fail: Fail): SafetensorsEntry {
  if (name.length > MAX_NAME) return fail(`a tensor's name has ${name.length} characters, more than ${MAX_NAME}: ${shown(name)}`);
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    return fail(`tensor "${name}": unknown dtype ${shown(dtype)} (known: ${Object.keys(DTYPE_BYTES).join(', ')})`, {
      tensor: name,
      dtype,
    });
  }
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isCount))
    return fail(`tensor "${name}": shape must be a list of at most ${MAX_RANK} non-negative integers, got ${shown(shape)}`, {
      tensor: name,
    });
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return fail(`tensor "${name}": data_offsets must be two non-negative integers, got ${shown(offsets)}`, {
      tensor: name,
    });
  }
  const [start, end] = offsets as [number, number];
  if (end < start || end > dataBytes)
    return fail(`tensor "${name}": bytes ${start}..${end} are outside of the ${dataBytes} data bytes (truncated file?)`, {
      tensor: name,
      start,
      end,
      dataBytes,
    });
  const bytes = shape.reduce((a: number, b: number) => a * b, DTYPE_BYTES[dtype as SafetensorsDtype]);
  if (bytes !== end - start)
    return fail(`tensor "${name}": ${dtype} [${shape.join(', ')}] takes ${bytes} bytes, but its offsets span ${end - start}`, {
      tensor: name,
      bytes,
      start,
      end,
    });
  return { dtype: dtype as SafetensorsDtype, shape: shape as number[], start, end };
}

function checkCoverage(entries: Map<string, SafetensorsEntry>, dataBytes: number, fail: Fail): void {
  const inOrder = [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let position = 0;
  for (const [name, { start, end }] of inOrder) {
    if (start < position)
      fail(`tensor "${name}" begins at byte ${start}, inside of the tensor before it, which ends at ${position}`, {
        tensor: name,
        start,
        position,
      });
    if (start > position)
      fail(`bytes ${position}..${start} in front of tensor "${name}" belong to no tensor`, { tensor: name, start, position });
    position = end;
  }
  if (position !== dataBytes) fail(`the tensors end at data byte ${position}, but the file has ${dataBytes}`, { position, dataBytes });
}
