import { CoreBlocksError } from '../../errors.ts';

/** What a pickle may refer to. Nothing else is looked up, imported or called. */
export interface PickleWorld {
  /** By `module.name`. Functions may be called by the pickle; other values only stand for themselves. */
  globals: ReadonlyMap<string, unknown>;
  /** What a persistent id stands for. */
  persistent(id: unknown): unknown;
}

/** Where the arguments of an opcode that takes many begin. */
const MARK = Symbol('mark');

/**
 * Most containers, tuples and results of calls: a file of a few megabytes could otherwise make gigabytes of empty ones. A tensor takes six.
 */
const MAX_OBJECTS = 500_000;

/** Most arguments of a call: what is allowed to be called takes seven. */
const MAX_ARGUMENTS = 16;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The object that a pickle describes, for the opcodes that Python writes for dictionaries, lists, tuples, strings and numbers
 * (protocols 2 to 5): dictionaries become Maps, tuples and lists arrays. It interprets; it never executes anything but the
 * functions in `world`, so a file from a stranger can do no more than be refused.
 * Source: CPython's pickletools.
 * @throws CoreBlocksError invalid-file naming the opcode or global that is not allowed, or where the pickle breaks off.
 */
export function unpickle(bytes: Uint8Array, world: PickleWorld): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [];
  const memo = new Map<number, unknown>();
  let at = 0;

  const fail = (message: string): never => {
    throw new CoreBlocksError('invalid-file', `pickle, byte ${at}: ${message}`, { at });
  };
  const take = (length: number): number => {
    if (at + length > bytes.length) fail(`breaks off, ${length} more bytes were expected`);
    at += length;
    return at - length;
  };
  const pop = (): unknown => (stack.length === 0 || stack.at(-1) === MARK ? fail('takes from an empty stack') : stack.pop());
  const popMark = (): unknown[] => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) fail('has no mark on its stack');
    const items = stack.splice(mark + 1);
    stack.pop();
    return items;
  };
  const tuple = (length: number): unknown[] => Array.from({ length }, pop).reverse();
  const remember = (index: number): void => {
    if (stack.length === 0) fail('remembers from an empty stack');
    memo.set(index, stack.at(-1));
  };
  const recall = (index: number): void => {
    stack.push(memo.has(index) ? memo.get(index) : fail(`recalls ${index}, which it did not remember`));
  };
  const text = (length: number): string => {
    const start = take(length);
    try {
      return utf8.decode(bytes.subarray(start, start + length));
    } catch {
      return fail('holds a string that is not UTF-8');
    }
  };
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    return end < 0 ? fail('breaks off inside of a line') : text(end + 1 - at).slice(0, -1);
  };
  const lookUp = (module: unknown, name: unknown): unknown => {
    if (typeof module !== 'string' || typeof name !== 'string') return fail('refers to what is no name');
    const key = `${module}.${name}`.slice(0, 200);
    return world.globals.has(key)
      ? world.globals.get(key)
      : fail(`refers to ${key}, which is not allowed (allowed: ${[...world.globals.keys()].join(', ')})`);
  };
  const setItems = (items: unknown[]): void => {
    const target = stack.at(-1);
    if (!(target instanceof Map) || items.length % 2 !== 0) fail('sets items of what is no dictionary');
    for (let i = 0; i < items.length; i += 2) (target as Map<unknown, unknown>).set(items[i], items[i + 1]);
  };
  const append = (items: unknown[]): void => {
    const target = stack.at(-1);
    if (!Array.isArray(target)) fail('appends to what is no list');
    for (const item of items) (target as unknown[]).push(item);
  };
  /** A little-endian two's complement integer of any length. */
  const long = (length: number): number => {
    const start = take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[start + i]!);
    const signed = Number(BigInt.asIntN(8 * length, value));
    return Number.isSafeInteger(signed) ? signed : fail(`holds the integer ${signed}, which is too large`);
  };

  let objects = 0;
  /** Puts an object on the stack that was not there before. */
  const make = (value: unknown): void => {
    if (++objects > MAX_OBJECTS) fail(`makes more than ${MAX_OBJECTS} objects`);
    stack.push(value);
  };

  const opcodes: Record<number, () => void> = {
    0x80: () => {
      if (view.getUint8(take(1)) > 5) fail('is of a protocol after 5');
    }, // PROTO
    0x95: () => void take(8), // FRAME
    0x28: () => stack.push(MARK),
    0x4e: () => stack.push(null), // NONE
    0x88: () => stack.push(true),
    0x89: () => stack.push(false),
    0x4b: () => stack.push(view.getUint8(take(1))), // BININT1
    0x4d: () => stack.push(view.getUint16(take(2), true)), // BININT2
    0x4a: () => stack.push(view.getInt32(take(4), true)), // BININT
    0x8a: () => stack.push(long(view.getUint8(take(1)))), // LONG1
    0x47: () => stack.push(view.getFloat64(take(8), false)), // BINFLOAT
    0x58: () => stack.push(text(view.getUint32(take(4), true))), // BINUNICODE
    0x8c: () => stack.push(text(view.getUint8(take(1)))), // SHORT_BINUNICODE
    0x7d: () => make(new Map()), // EMPTY_DICT
    0x5d: () => make([]), // EMPTY_LIST
    0x29: () => make([]), // EMPTY_TUPLE
    0x85: () => make(tuple(1)),
    0x86: () => make(tuple(2)),
    0x87: () => make(tuple(3)),
    0x74: () => make(popMark()), // TUPLE
    0x71: () => remember(view.getUint8(take(1))), // BINPUT
    0x72: () => remember(view.getUint32(take(4), true)), // LONG_BINPUT
    0x94: () => remember(memo.size), // MEMOIZE
    0x68: () => recall(view.getUint8(take(1))), // BINGET
    0x6a: () => recall(view.getUint32(take(4), true)), // LONG_BINGET
    0x61: () => append([pop()]), // APPEND
    0x65: () => append(popMark()), // APPENDS
    0x73: () => setItems(tuple(2)), // SETITEM
    0x75: () => setItems(popMark()), // SETITEMS
    0x63: () => stack.push(lookUp(line(), line())), // GLOBAL
    0x93: () => {
      const [module, name] = tuple(2);
      stack.push(lookUp(module, name));
    }, // STACK_GLOBAL
    0x51: () => make(world.persistent(pop())), // BINPERSID
    0x52: () => {
      // REDUCE
      const [callable, args] = tuple(2);
      if (typeof callable !== 'function' || !Array.isArray(args)) return fail('calls what is no function');
      if (args.length > MAX_ARGUMENTS) return fail(`calls a function with ${args.length} arguments`);
      make((callable as (...values: unknown[]) => unknown)(...(args as unknown[])));
    },
    // BUILD gives attributes to the object below it; a state dict's are its modules' versions, of which nothing is needed here.
    0x62: () => {
      if (!(pop() instanceof Map)) fail('gives attributes that are no dictionary');
    },
  };

  for (;;) {
    const opcode = bytes[take(1)]!;
    if (opcode === 0x2e) break; // STOP
    const run = opcodes[opcode];
    if (!run) {
      at--;
      fail(`opcode 0x${opcode.toString(16).padStart(2, '0')} is not allowed`);
    }
    run!();
  }
  return pop();
}
