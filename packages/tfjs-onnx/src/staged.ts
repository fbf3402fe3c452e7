import { checkTensors } from './check-tensors.ts';
import { checkOptions, compileGraph, type CompileOptions } from './compile.ts';
import { eagerFunction } from './eager.ts';
import { TfjsOnnxError } from './errors.ts';
import { Graph, type Value } from './graph.ts';
import { loweredNodes } from './lower.ts';
import { trace, type Signature, type Traceable } from './trace.ts';
import type { HostTensor } from './types.ts';

/** A function some of whose inputs stay as they are over many calls. */
export interface StagedFunction {
  /**
   * Takes the fixed inputs, and computes what depends on no other.
   * @throws missing-tensor, unexpected-tensor or shape-mismatch, by name
   */
  hold(fixed: Record<string, HostTensor>): Promise<HeldFunction>;
  release(): Promise<void>;
}

/** The same with its fixed inputs: what it holds stays valid whatever else the function is asked to hold. */
export interface HeldFunction {
  /** @throws missing-tensor, unexpected-tensor or shape-mismatch, by name */
  run(inputs: Record<string, HostTensor>): Promise<Record<string, HostTensor>>;
}

/** A graph in two. What leaves `early` and enters `late` has the same name in both. */
export interface SplitGraph {
  readonly early: Graph;
  readonly late: Graph;
}

/** What a value changes with, the most changing last: nothing, the fixed inputs alone, other inputs. */
const [NOTHING, FIXED, OTHERS] = [0, 1, 2];

/** Parts what a graph computes from its fixed inputs alone from the rest, which reads it. Constants are with whoever uses them. */
export function splitGraph(graph: Graph, fixed: ReadonlySet<string>): SplitGraph {
  const made = new Map<Value, number>();
  const changesWith = (value: Value): number => {
    const { source } = value;
    if (source.kind === 'input') return fixed.has(source.name) ? FIXED : OTHERS;
    return source.kind === 'node' ? made.get(value)! : NOTHING;
  };
  const [early, late] = [new Graph(), new Graph()];
  const read = new Set<Value>(graph.outputs.values());
  for (const node of loweredNodes(graph).nodes) {
    const inputs = Object.values(node.inputs);
    const changes = Math.max(NOTHING, ...inputs.map(changesWith));
    for (const output of node.outputs) made.set(output, changes);
    if (changes !== OTHERS) early.nodes.push(node);
    if (changes !== FIXED) late.nodes.push(node);
    if (changes === OTHERS) for (const value of inputs) read.add(value);
  }
  for (const [name, value] of graph.inputs) if (!fixed.has(name) || read.has(value)) late.inputs.set(name, value);
  for (const value of read) {
    if (value.source.kind !== 'node' || changesWith(value) !== FIXED) continue;
    const name = `held ${early.outputs.size}`;
    early.outputs.set(name, value);
    late.inputs.set(name, value);
  }
  const { used } = early.live();
  for (const [name, value] of graph.inputs) if (used.has(value)) early.inputs.set(name, value);
  for (const [name, value] of graph.constants) for (const part of [early, late]) part.constants.set(name, value);
  for (const [name, value] of graph.outputs) late.outputs.set(name, value);
  return { early, late };
}

/**
 * As `compile`, of a function that is run many times while some of its inputs stay the same: a sampler's prompts and conditions over its
 * steps. What depends on these alone is computed when they are given, not at every run.
 * @param signature without state
 * @param fixed names of the inputs that stay
 * @throws TfjsOnnxError missing-tensor for a name that is none of the inputs; what `compile` throws
 */
export async function compileStaged(
  fn: Traceable,
  signature: Omit<Signature, 'state'>,
  fixed: readonly string[],
  options: Omit<CompileOptions, 'stepsPerRun'> = {},
): Promise<StagedFunction> {
  const { name = 'compiled function' } = options;
  const unknown = fixed.filter((one) => !Object.hasOwn(signature.inputs ?? {}, one));
  if (unknown.length > 0)
    throw new TfjsOnnxError('missing-tensor', `${name}: no inputs are called ${unknown.join(', ')}, which are to stay as they are`, {
      missing: unknown,
    });
  checkOptions(options);
  const specs = Object.entries(signature.inputs ?? {}).map(([key, { shape, dtype = 'float32' }]) => [key, { shape, dtype }] as const);
  const declared = (stays: boolean) =>
    specs.filter(([key]) => fixed.includes(key) === stays).map(([key, spec]): [string, typeof spec] => [key, spec]);
  const { hold, release } =
    options.engine === 'tfjs' ? eagerParts(fn, signature, options) : await compiledParts(trace(fn, signature), signature, fixed, options);
  return {
    async hold(given) {
      checkTensors(`${name}: fixed inputs`, given, declared(true));
      const held = await hold(given);
      return {
        async run(inputs) {
          checkTensors(`${name}: inputs`, inputs, declared(false));
          return held.run(inputs);
        },
      };
    },
    release,
  };
}

/** Eagerly everything is computed at every run. */
function eagerParts(fn: Traceable, signature: Signature, options: CompileOptions): StagedFunction {
  const whole = eagerFunction(fn, signature, options);
  return {
    hold: (held) => Promise.resolve({ run: (inputs) => whole.run({ ...held, ...inputs }) }),
    release: () => whole.release(),
  };
}

async function compiledParts(
  graph: Graph,
  signature: Signature,
  fixed: readonly string[],
  options: CompileOptions,
): Promise<StagedFunction> {
  const { early, late } = splitGraph(graph, new Set(fixed));
  const first = early.outputs.size === 0 ? null : await compileGraph(early, signature, options);
  const second = await compileGraph(late, signature, options);
  const of = (part: Graph, given: Record<string, HostTensor>): Record<string, HostTensor> =>
    Object.fromEntries(Object.entries(given).filter(([input]) => part.inputs.has(input)));
  return {
    async hold(given) {
      const held = { ...of(late, given), ...(await first?.run(of(early, given))) };
      return { run: (inputs) => second.run({ ...held, ...inputs }) };
    },
    release: async () => void (await Promise.all([first?.release(), second.release()])),
  };
}
