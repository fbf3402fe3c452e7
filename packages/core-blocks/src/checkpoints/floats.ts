import type { ExternalTensor } from '@controllab/tfjs-onnx';

/** The float32 values of a tensor's bytes, exactly; those of float32 are not copied. */
export function decodeFloats(bytes: ArrayBuffer, dtype: ExternalTensor['dtype']): Float32Array {
  switch (dtype) {
    case 'float32':
      return new Float32Array(bytes);
    case 'float16':
      return decodeFloat16(new Uint16Array(bytes));
    case 'bfloat16':
      return decodeBfloat16(new Uint16Array(bytes));
    case 'float8e4m3fn':
    case 'float8e5m2':
      return decodeFloat8(new Uint8Array(bytes), dtype);
  }
}

const decodeTable = { values: null as Float32Array | null };

function buildTable(): Float32Array {
  const table = new Float32Array(0x10000);
  for (let bits = 0; bits < table.length; bits++) table[bits] = half(bits);
  return table;
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** IEEE 754 half precision bits to float32, exactly. */
export function decodeFloat16(bits: Uint16Array): Float32Array {
  const table = (decodeTable.values ??= buildTable()); // 256 kB, built once: checkpoints hold hundreds of millions of halves
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i] as number] as number;
  return out;
}

/** bfloat16 (the upper half of a float32) to float32, exactly. */
export function decodeBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] as number) << 16;
  return new Float32Array(words.buffer);
}

/** 8-bit floats of the formats that checkpoints are published in to float32, exactly: OCP's E4M3, without infinities, and E5M2. */
export function decodeFloat8(bits: Uint8Array, format: 'float8e4m3fn' | 'float8e5m2'): Float32Array {
  const table = Float32Array.from({ length: 0x100 }, (_, byte) => (format === 'float8e5m2' ? half(byte << 8) : e4m3(byte)));
  return Float32Array.from(bits, (byte) => table[byte] as number);
}

function e4m3(byte: number): number {
  const sign = byte & 0x80 ? -1 : 1;
  const exponent = (byte >>> 3) & 0xf;
  const fraction = byte & 7;
  if (exponent === 15 && fraction === 7) return Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -9 : (1 + fraction / 8) * 2 ** (exponent - 7));
}

/** float32 to half precision bits, to the nearest, ties to even; beyond 65504 it becomes infinite, as in PyTorch. */
export function encodeFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) out[i] = encodeWord(words[i] as number);
  return out;
}

function encodeWord(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and more, infinity
  if (magnitude < 0x33000000) return sign; // below half the smallest subnormal
  const exponent = (magnitude >>> 23) - 127;
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  // Bits of the 24-bit mantissa that a half does not keep: 13, and one more for each step below the smallest normal exponent.
  const drop = exponent < -14 ? 13 - 14 - exponent : 13;
  const kept = mantissa >>> drop;
  const rest = mantissa & ((1 << drop) - 1);
  const half = 1 << (drop - 1);
  const rounded = kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0);
  // The implicit leading bit of a normal number is added onto the exponent; so is a carry from rounding.
  return sign | (exponent < -14 ? rounded : ((exponent + 14) << 10) + rounded);
}
