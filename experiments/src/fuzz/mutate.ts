import type { Draws } from './draws.ts';

/** A damaged file and how it was damaged. */
export interface Mutated {
  readonly bytes: Uint8Array;
  readonly how: string;
}

type Mutation = (bytes: Buffer, draws: Draws, others: readonly Uint8Array[]) => Uint8Array;

/** Two places in a file, in order; near to each other as often as not. */
function span(bytes: Buffer, draws: Draws): [from: number, to: number] {
  const from = draws.below(bytes.length + 1);
  const longest = draws.next() < 0.5 ? 16 : bytes.length;
  return [from, Math.min(bytes.length, from + 1 + draws.below(longest))];
}

const BYTES = [0, 1, 0x0a, 0x22, 0x2f, 0x7f, 0x80, 0xc3, 0xff];
const INTEGERS = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1_000_000_000n,
  (1n << 53n) + 1n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
];

const BINARY: Record<string, Mutation> = {
  'bit flipped': (bytes, draws) => {
    const at = draws.below(bytes.length);
    bytes[at]! ^= 1 << draws.below(8);
    return bytes;
  },
  'byte replaced': (bytes, draws) => {
    bytes[draws.below(bytes.length)] = draws.pick(BYTES);
    return bytes;
  },
  'integer replaced': (bytes, draws) => {
    const width = Math.min(bytes.length, draws.pick([2, 4, 8]));
    const at = draws.below(bytes.length - width + 1);
    const value = Buffer.alloc(8);
    value.writeBigUInt64LE(draws.pick(INTEGERS));
    const part = value.subarray(0, width);
    if (draws.next() < 0.3) part.reverse();
    part.copy(bytes, at);
    return bytes;
  },
  truncated: (bytes, draws) =>
    bytes.subarray(0, draws.next() < 0.3 ? Math.max(0, bytes.length - 1 - draws.below(16)) : draws.below(bytes.length)),
  'part removed': (bytes, draws) => {
    const [from, to] = span(bytes, draws);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  'part twice': (bytes, draws) => {
    const [from, to] = span(bytes, draws);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  'part zeroed': (bytes, draws) => bytes.fill(0, ...span(bytes, draws)),
  'bytes inserted': (bytes, draws) => {
    const at = draws.below(bytes.length + 1);
    const inserted = Buffer.from(Array.from({ length: 1 + draws.below(24) }, () => draws.below(256)));
    return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
  },
  spliced: (bytes, draws, others) => {
    const other = Buffer.from(draws.pick(others));
    return Buffer.concat([bytes.subarray(0, draws.below(bytes.length + 1)), other.subarray(draws.below(other.length + 1))]);
  },
};

const NUMBERS = [
  '0',
  '-1',
  '2147483648',
  '1e9',
  '1000000000',
  '1e308',
  '-0',
  '0.5',
  'NaN',
  'Infinity',
  'null',
  'true',
  '"1"',
  '[]',
  '{}',
  '[1e9]',
  '18446744073709551616',
];
const STRINGS = [
  '',
  '__proto__',
  'toString',
  'constructor',
  'hasOwnProperty',
  '../../etc/passwd',
  '/',
  '\\u0000',
  '\\u001b[2J',
  '\\ud800',
  '[click](https://x.y)',
  '=1+1',
];
const LONG = 1_000_000;
const DEEP = 100_000;

/** Replaces one of the matches, if there is one. */
function replaceOne(text: string, pattern: RegExp, draws: Draws, by: (match: RegExpMatchArray) => string): string {
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return text;
  const match = draws.pick(matches);
  return text.slice(0, match.index) + by(match) + text.slice(match.index + match[0].length);
}

const textually =
  (change: (text: string, draws: Draws) => string): Mutation =>
  // Latin-1 keeps bytes that are no UTF-8 as they are.
  (bytes, draws) =>
    Buffer.from(change(bytes.toString('latin1'), draws), 'latin1');

const lines = (change: (all: string[], draws: Draws) => string[]): Mutation =>
  textually((text, draws) => change(text.split('\n'), draws).join('\n'));

const TEXT: Record<string, Mutation> = {
  'number replaced': textually((text, draws) =>
    replaceOne(text, /(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g, draws, () => draws.pick(NUMBERS)),
  ),
  'string replaced': textually((text, draws) => replaceOne(text, /"(?:[^"\\]|\\.)*"(?!\s*:)/g, draws, () => `"${draws.pick(STRINGS)}"`)),
  'string made long': textually((text, draws) => replaceOne(text, /"(?:[^"\\]|\\.)*"/g, draws, () => `"${'x'.repeat(LONG)}"`)),
  'key renamed': textually((text, draws) =>
    replaceOne(
      text,
      /"((?:[^"\\]|\\.)*)"\s*:/g,
      draws,
      ([, key]) => `"${draws.pick([`renamed_${key}`, '__proto__', 'toString', 'constructor', ''])}":`,
    ),
  ),
  'key twice': textually((text, draws) =>
    replaceOne(text, /"((?:[^"\\]|\\.)*)"\s*:/g, draws, ([pair, key]) => `"${key}":${draws.pick(NUMBERS)},${pair}`),
  ),
  'value made deep': textually((text, draws) =>
    replaceOne(text, /(?<=[:,[]\s*)(?:-?\d[\d.eE+-]*|"(?:[^"\\]|\\.)*")/g, draws, () => draws.pick(['[', '{"a":']).repeat(DEEP)),
  ),
  'value closed deep': textually((text, draws) =>
    replaceOne(text, /(?<=[:,[]\s*)(?:-?\d[\d.eE+-]*|"(?:[^"\\]|\\.)*")/g, draws, () => '['.repeat(DEEP) + ']'.repeat(DEEP)),
  ),
  'line removed': lines((all, draws) => (all.splice(draws.below(all.length), 1), all)),
  'line twice': lines((all, draws) => {
    const at = draws.below(all.length);
    all.splice(at, 0, all[at]!);
    return all;
  }),
  'lines swapped': lines((all, draws) => {
    const [a, b] = [draws.below(all.length), draws.below(all.length)];
    [all[a], all[b]] = [all[b]!, all[a]!];
    return all;
  }),
  'quote inserted': textually((text, draws) => {
    const at = draws.below(text.length + 1);
    return text.slice(0, at) + draws.pick(['"', ',', '\n', '\r', '{', ']', '\\', '\t', ';', '\x1b']) + text.slice(at);
  }),
};

/** One or two damages. */
export function mutate(bytes: Uint8Array, draws: Draws, { text, others }: { text: boolean; others: readonly Uint8Array[] }): Mutated {
  const times = draws.next() < 0.8 ? 1 : 2;
  const how: string[] = [];
  let damaged = bytes;
  for (let i = 0; i < times; i++) {
    const table = text && draws.next() < 0.7 ? TEXT : BINARY;
    const name = draws.pick(Object.keys(table));
    if (damaged.length === 0) break;
    damaged = table[name]!(Buffer.from(damaged), draws, others);
    how.push(name);
  }
  return { bytes: damaged, how: how.join(', ') };
}
