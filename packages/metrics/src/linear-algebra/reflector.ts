import { doWhile, f64, f64x2, i32, local, wasmModule, type Code } from './wasm-module.ts';

/** Lengths are multiples of this: the kernels take four pairs of doubles at a time. */
export const STEP = 8;

const PAIRS = [0, 1, 2, 3];
const DOUBLE = 8;
const get = local.get;
const increase = (index: number, by: Code): Code => local.set(index, i32.add(get(index), by));
const forPairs = (f: (pair: number) => Code): Code => PAIRS.flatMap(f);

// Both kernels: (a, stride, rows, v, length, tau) in bytes, then locals.
const [A, STRIDE, ROWS, V, LENGTH, TAU, P, Q, END, SUM, FACTOR] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13] as const;
const PARAMETERS = ['i32', 'i32', 'i32', 'i32', 'i32', 'f64'] as const;
const LOCALS = { i32: 3, v128: 5 };
const total = f64x2.add(f64x2.add(get(SUM), get(SUM + 1)), f64x2.add(get(SUM + 2), get(SUM + 3)));

/** Every row: row -= tau (row . v) v. */
const fromRight: Code = [
  local.set(END, i32.add(get(V), get(LENGTH))),
  doWhile(
    [
      local.set(P, get(A)),
      local.set(Q, get(V)),
      forPairs((i) => local.set(SUM + i, f64x2.zero)),
      doWhile(
        [
          forPairs((i) =>
            local.set(SUM + i, f64x2.add(get(SUM + i), f64x2.multiply(f64x2.load(get(P), 16 * i), f64x2.load(get(Q), 16 * i)))),
          ),
          increase(P, i32.const(8 * STEP)),
          increase(Q, i32.const(8 * STEP)),
        ].flat(),
        i32.notEqual(get(Q), get(END)),
      ),
      local.set(SUM, total),
      local.set(FACTOR, f64x2.splat(f64.multiply(f64.add(f64x2.lane(get(SUM), 0), f64x2.lane(get(SUM), 1)), get(TAU)))),
      local.set(P, get(A)),
      local.set(Q, get(V)),
      doWhile(
        [
          forPairs((i) =>
            f64x2.store(
              get(P),
              16 * i,
              f64x2.subtract(f64x2.load(get(P), 16 * i), f64x2.multiply(get(FACTOR), f64x2.load(get(Q), 16 * i))),
            ),
          ),
          increase(P, i32.const(8 * STEP)),
          increase(Q, i32.const(8 * STEP)),
        ].flat(),
        i32.notEqual(get(Q), get(END)),
      ),
      increase(A, get(STRIDE)),
      increase(ROWS, i32.const(-1)),
    ].flat(),
    get(ROWS),
  ),
].flat();

/** Every column: column -= tau (v . column) v. END is the end of v, LENGTH becomes the end of the first row. */
const fromLeft: Code = [
  local.set(END, i32.add(get(V), i32.multiply(get(ROWS), i32.const(DOUBLE)))),
  local.set(LENGTH, i32.add(get(A), get(LENGTH))),
  doWhile(
    [
      local.set(P, get(A)),
      local.set(Q, get(V)),
      forPairs((i) => local.set(SUM + i, f64x2.zero)),
      doWhile(
        [
          local.set(FACTOR, f64x2.loadSplat(get(Q))),
          forPairs((i) => local.set(SUM + i, f64x2.add(get(SUM + i), f64x2.multiply(get(FACTOR), f64x2.load(get(P), 16 * i))))),
          increase(P, get(STRIDE)),
          increase(Q, i32.const(DOUBLE)),
        ].flat(),
        i32.notEqual(get(Q), get(END)),
      ),
      forPairs((i) => local.set(SUM + i, f64x2.multiply(get(SUM + i), f64x2.splat(get(TAU))))),
      local.set(P, get(A)),
      local.set(Q, get(V)),
      doWhile(
        [
          local.set(FACTOR, f64x2.loadSplat(get(Q))),
          forPairs((i) =>
            f64x2.store(get(P), 16 * i, f64x2.subtract(f64x2.load(get(P), 16 * i), f64x2.multiply(get(FACTOR), get(SUM + i)))),
          ),
          increase(P, get(STRIDE)),
          increase(Q, i32.const(DOUBLE)),
        ].flat(),
        i32.notEqual(get(Q), get(END)),
      ),
      increase(A, i32.const(8 * STEP)),
    ].flat(),
    i32.notEqual(get(A), get(LENGTH)),
  ),
].flat();

const instantiate = wasmModule([
  { name: 'fromRight', parameters: PARAMETERS, locals: LOCALS, body: fromRight },
  { name: 'fromLeft', parameters: PARAMETERS, locals: LOCALS, body: fromLeft },
]);

/** Where a block of a matrix lies in a reflector's memory; counted in doubles. */
export interface Block {
  at: number;
  stride: number;
  rows: number;
  /** A multiple of STEP. */
  columns: number;
}

/** Householder reflections I - tau v v' of blocks of matrices, in WebAssembly SIMD. */
export class Reflector {
  readonly memory: Float64Array;
  readonly #functions;

  /** @param doubles size of the memory, which begins as zeros */
  constructor(doubles: number) {
    const { memory, functions } = instantiate(doubles * DOUBLE);
    this.memory = new Float64Array(memory, 0, doubles);
    this.#functions = functions;
  }

  /** block (I - tau v v'); v: [columns] at `v`. */
  fromRight({ at, stride, rows, columns }: Block, v: number, tau: number): void {
    if (rows > 0) this.#functions['fromRight']!(at * DOUBLE, stride * DOUBLE, rows, v * DOUBLE, columns * DOUBLE, tau);
  }

  /** (I - tau v v') block; v: [rows] at `v`. */
  fromLeft({ at, stride, rows, columns }: Block, v: number, tau: number): void {
    if (rows > 0) this.#functions['fromLeft']!(at * DOUBLE, stride * DOUBLE, rows, v * DOUBLE, columns * DOUBLE, tau);
  }

  /**
   * Makes x the vector v, v[0] = 1, whose reflection maps x to beta times the first unit vector. A zero tail needs none: tau 0, v zero.
   * @param at of x, `length` doubles
   */
  makeVector(at: number, length: number): { tau: number; beta: number } {
    const x = this.memory;
    const alpha = x[at]!;
    let square = 0;
    for (let i = at + 1; i < at + length; i++) square += x[i]! * x[i]!;
    if (square === 0) {
      x[at] = 0;
      return { tau: 0, beta: alpha };
    }
    const norm = Math.sqrt(alpha * alpha + square);
    const beta = alpha > 0 ? -norm : norm;
    const scale = 1 / (alpha - beta);
    for (let i = at + 1; i < at + length; i++) x[i]! *= scale;
    x[at] = 1;
    return { tau: (beta - alpha) / beta, beta };
  }
}
