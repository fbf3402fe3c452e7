import { doWhile, f64, f64x2, i32, local, wasmModule, type Code } from './wasm-module.ts';

/** Most columns of a triangle: a row of so many stays in registers, or nearly. */
export const WIDTH = 32;

/** Rows that are solved at a time: they fit the cache. */
const CHUNK = 256;

const DOUBLE = 8;
const PAIRS = WIDTH / 2;
const ROW = WIDTH * DOUBLE;
/** Bytes from the triangle to the reciprocals of its diagonal. */
const RECIPROCALS = WIDTH * ROW;

// (row, end, triangle) in bytes, then the pairs of a row, and the last entry that was found.
const [AT, END, TRIANGLE, PAIR, FOUND] = [0, 1, 2, 3, 3 + PAIRS] as const;
const get = local.get;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Finds entry p of a row, and takes what it makes of those to its right from them. The triangle has zeros on its diagonal. */
function eliminate(p: number): Code {
  const pair = PAIR + (p >> 1);
  const lane = (p & 1) as 0 | 1;
  return [
    local.set(FOUND, f64x2.splat(f64.multiply(f64x2.lane(get(pair), lane), f64.load(get(TRIANGLE), RECIPROCALS + DOUBLE * p)))),
    local.set(pair, f64x2.replaceLane(get(pair), lane, f64x2.lane(get(FOUND), 0))),
    ...range(PAIRS)
      .filter((k) => 2 * k + 1 > p)
      .map((k) =>
        local.set(PAIR + k, f64x2.subtract(get(PAIR + k), f64x2.multiply(get(FOUND), f64x2.load(get(TRIANGLE), p * ROW + 16 * k)))),
      ),
  ].flat();
}

const solve: Code = doWhile(
  [
    range(PAIRS).flatMap((k) => local.set(PAIR + k, f64x2.load(get(AT), 16 * k))),
    range(WIDTH).flatMap(eliminate),
    range(PAIRS).flatMap((k) => f64x2.store(get(AT), 16 * k, get(PAIR + k))),
    local.set(AT, i32.add(get(AT), i32.const(ROW))),
  ].flat(),
  i32.notEqual(get(AT), get(END)),
);

const instantiate = wasmModule([{ name: 'solve', parameters: ['i32', 'i32', 'i32'], locals: { i32: 0, v128: PAIRS + 1 }, body: solve }]);
let instance: ReturnType<typeof instantiate> | undefined;

/**
 * Replaces x by x L'^-1, row by row, for a lower triangular L: what a Cholesky factorisation does to the rows below a diagonal block.
 * @param x [rows, columns], at most WIDTH columns
 * @param transposed L': [columns, columns]; what is below its diagonal is not read
 */
export function solveRows(x: Float64Array, columns: number, transposed: Float64Array): void {
  instance ??= instantiate((WIDTH + 1 + CHUNK) * ROW);
  const memory = new Float64Array(instance.memory);
  memory.fill(0, 0, WIDTH * WIDTH);
  const reciprocals = memory.subarray(WIDTH * WIDTH, WIDTH * WIDTH + WIDTH);
  reciprocals.fill(1);
  for (let p = 0; p < columns; p++) {
    reciprocals[p] = 1 / transposed[p * columns + p]!;
    for (let j = p + 1; j < columns; j++) memory[p * WIDTH + j] = transposed[p * columns + j]!;
  }
  const start = WIDTH * (WIDTH + 1);
  const rows = memory.subarray(start, start + CHUNK * WIDTH);
  for (let at = 0; at < x.length; at += CHUNK * columns) {
    const chunk = x.subarray(at, at + CHUNK * columns);
    const count = chunk.length / columns;
    if (columns === WIDTH) rows.set(chunk);
    else {
      // A narrower row is followed by zeros, which stay what they are.
      rows.fill(0);
      for (let i = 0; i < count; i++) rows.set(chunk.subarray(i * columns, (i + 1) * columns), i * WIDTH);
    }
    instance.functions['solve']!(start * DOUBLE, (start + count * WIDTH) * DOUBLE, 0);
    if (columns === WIDTH) chunk.set(rows.subarray(0, chunk.length));
    else for (let i = 0; i < count; i++) chunk.set(rows.subarray(i * WIDTH, i * WIDTH + columns), i * columns);
  }
}
