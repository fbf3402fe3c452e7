import { CoreBlocksError } from '../../errors.ts';

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
} as const;
export type SafetensorsDtype = keyof typeof DTYPE_BYTES;

/** The reference implementation's limit (safetensors, `MAX_HEADER_SIZE`): a lying length must not make us allocate gigabytes. */
export const MAX_HEADER_BYTES = 100_000_000;

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
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CoreBlocksError('safetensors-invalid', `${file}: the header is not JSON: ${(error as Error).message}`, { file }, error);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return fail('the header is not a JSON object');
  const duplicate = firstDuplicate(topLevelKeys(text));
  if (duplicate !== undefined) fail(`the header names "${duplicate}" twice`, { tensor: duplicate });

  const entries = new Map<string, SafetensorsEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') {
      if (typeof value !== 'object' || value === null || Object.values(value).some((v) => typeof v !== 'string'))
        fail('__metadata__ must map strings to strings');
      metadata = value as Record<string, string>;
    } else entries.set(name, checkEntry(name, value, dataBytes, fail));
  }
  checkCoverage(entries, dataBytes, fail);
  return { entries, metadata };
}

type Fail = (message: string, values?: Record<string, unknown>) => never;

function checkEntry(name: string, value: unknown, dataBytes: number, fail: Fail): SafetensorsEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    return fail(`tensor "${name}": unknown dtype ${JSON.stringify(dtype)} (known: ${Object.keys(DTYPE_BYTES).join(', ')})`, {
      tensor: name,
      dtype,
    });
  }
  if (!Array.isArray(shape) || !shape.every(isCount))
    return fail(`tensor "${name}": shape must be a list of non-negative integers, got ${JSON.stringify(shape)}`, { tensor: name, shape });
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return fail(`tensor "${name}": data_offsets must be two non-negative integers, got ${JSON.stringify(offsets)}`, {
      tensor: name,
      offsets,
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

/** The keys of the outermost object of valid JSON, duplicates included (JSON.parse would keep only the last). */
function topLevelKeys(text: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (depth === 1 && /^\s*:/.test(text.slice(index + token.length, index + token.length + 16)))
      keys.push(JSON.parse(token) as string);
  }
  return keys;
}

function firstDuplicate(keys: string[]): string | undefined {
  const seen = new Set<string>();
  return keys.find((key) => seen.has(key) || !seen.add(key));
}
