/*
 * Just enough of WebAssembly's binary format to write a few kernels as nested expressions. JavaScript has no SIMD, and
 * neither TensorFlow.js nor ONNX Runtime has Householder reflections; no kept library of the registry brings them in SIMD.
 * Opcodes: https://webassembly.github.io/spec/core/binary/instructions.html
 */
/** What is used of WebAssembly: Node has it, but TypeScript declares it with the DOM only. */
interface Wasm {
  Memory: new (descriptor: { initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { env: { memory: object } }) => { readonly exports: Record<string, (...args: number[]) => void> };
}
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;

const PAGE = 65536;

export type Code = readonly number[];

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ;) {
    const byte = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? byte : byte | 0x80);
    if (rest === 0) return bytes;
  }
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
}

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
const binary =
  (opcode: readonly number[]) =>
  (a: Code, b: Code): Code => [...a, ...b, ...opcode];
const F64 = 0x7c;
const I32 = 0x7f;
const V128 = 0x7b;

export const local = {
  get: (index: number): Code => [0x20, ...unsigned(index)],
  set: (index: number, value: Code): Code => [...value, 0x21, ...unsigned(index)],
};
export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: binary([0x6a]),
  multiply: binary([0x6c]),
  notEqual: binary([0x47]),
};
export const f64 = {
  load: (address: Code, offset: number): Code => [...address, 0x2b, 3, ...unsigned(offset)],
  add: binary([0xa0]),
  multiply: binary([0xa2]),
};
/** Pairs of doubles. Offsets are in bytes. */
export const f64x2 = {
  zero: [...simd(0x0c), ...new Array<number>(16).fill(0)] as Code,
  load: (address: Code, offset: number): Code => [...address, ...simd(0x00), 3, ...unsigned(offset)],
  loadSplat: (address: Code): Code => [...address, ...simd(0x0a), 3, 0],
  store: (address: Code, offset: number, value: Code): Code => [...address, ...value, ...simd(0x0b), 3, ...unsigned(offset)],
  splat: (value: Code): Code => [...value, ...simd(0x14)],
  lane: (value: Code, lane: 0 | 1): Code => [...value, ...simd(0x21), lane],
  replaceLane: (value: Code, lane: 0 | 1, by: Code): Code => [...value, ...by, ...simd(0x22), lane],
  add: binary(simd(0xf0)),
  subtract: binary(simd(0xf1)),
  multiply: binary(simd(0xf2)),
};

/** Runs the body once, and again as long as the condition holds. */
export const doWhile = (body: Code, condition: Code): Code => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b];

/** A function without result: its parameters, then its locals, are numbered from 0 in the order given. */
export interface WasmFunction {
  name: string;
  parameters: readonly ('i32' | 'f64')[];
  locals: { i32: number; v128: number };
  body: Code;
}

/** A module's functions by name, and the memory that their addresses point into. */
export interface WasmInstance {
  memory: ArrayBuffer;
  functions: Record<string, (...args: number[]) => void>;
}

/** Compiles functions; each call of the result gives them with a memory of their own, zeros at first. */
export function wasmModule(functions: readonly WasmFunction[]): (bytes: number) => WasmInstance {
  const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];
  const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
  const section = (id: number, items: readonly (readonly number[])[]): number[] => [id, ...sized(vector(items))];
  const name = (text: string): number[] => sized([...new TextEncoder().encode(text)]);
  const types = { i32: I32, f64: F64 };
  const module = new Module(
    Uint8Array.from([
      0x00,
      0x61,
      0x73,
      0x6d,
      1,
      0,
      0,
      0,
      ...section(
        1,
        functions.map(({ parameters }) => [0x60, ...vector(parameters.map((p) => [types[p]])), 0]),
      ),
      ...section(2, [[...name('env'), ...name('memory'), 2, 0, 1]]),
      ...section(
        3,
        functions.map((_, i) => unsigned(i)),
      ),
      ...section(
        7,
        functions.map((f, i) => [...name(f.name), 0, ...unsigned(i)]),
      ),
      ...section(
        10,
        functions.map(({ locals, body }) =>
          sized([
            ...vector([
              [...unsigned(locals.i32), I32],
              [...unsigned(locals.v128), V128],
            ]),
            ...body,
            0x0b,
          ]),
        ),
      ),
    ]),
  );
  return (bytes) => {
    const memory = new Memory({ initial: Math.ceil(bytes / PAGE) });
    return { memory: memory.buffer, functions: new Instance(module, { env: { memory } }).exports };
  };
}
