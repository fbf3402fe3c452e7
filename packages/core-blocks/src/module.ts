import * as tf from '@tensorflow/tfjs';
import { normal, uniform } from '@controllab/data';
import { recomputed, withScope, type HostTensor, type NamedTensors, type TensorSpec } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from './errors.ts';

/** How a parameter starts: a constant, N(0, normal^2), or uniform in [-uniform, uniform). */
export type Init = 'zeros' | 'ones' | { constant: number } | { normal: number } | { uniform: number };

/** A learnable tensor: its shape and initialisation. It owns no memory; {@link withParameters} lends it a tensor. */
export class Parameter {
  readonly shape: readonly number[];
  readonly init: Init;
  /** The tensor lent for the current call; null outside of {@link withParameters}. */
  bound: { name: string; tensor: tf.Tensor } | null = null;

  constructor(shape: readonly number[], init: Init) {
    this.shape = shape;
    this.init = init;
  }

  /** @throws CoreBlocksError parameter-unbound outside of {@link withParameters}. */
  get tensor(): tf.Tensor {
    if (!this.bound) {
      throw new CoreBlocksError(
        'parameter-unbound',
        `a parameter of shape [${this.shape.join(', ')}] was used outside of withParameters(...): no tensor is bound to it`,
        { shape: this.shape },
      );
    }
    return this.bound.tensor;
  }
}

/**
 * Direct children: properties, and the items of arrays (PyTorch's ModuleList; null holes keep the indices of layers without parameters).
 */
function* children(module: Module): Generator<[string, Module | Parameter]> {
  for (const [name, value] of Object.entries(module)) {
    if (value instanceof Module || value instanceof Parameter) yield [name, value];
    else if (Array.isArray(value)) {
      for (const [index, item] of value.entries())
        if (item instanceof Module || item instanceof Parameter) yield [`${name}.${index}`, item];
    }
  }
}

/**
 * A layer or a network. Properties that hold modules, arrays of modules or {@link Parameter}s carry diffusers' names, so the
 * property path is the state_dict name (`down_blocks.0.resnets.1.conv1.weight`) and a published checkpoint needs no key map.
 * Constructing a module allocates nothing: Stable Diffusion's U-Net counts its 860M parameters at once.
 */
export abstract class Module {
  /** Every parameter by its state_dict name, in the order of the properties. */
  parameters(prefix = ''): Map<string, Parameter> {
    const found = new Map<string, Parameter>();
    for (const { name, parameter } of walk(this, prefix)) if (parameter) found.set(name, parameter);
    return found;
  }
}

type Visit = { name: string; local: string; module: Module; parameter?: undefined } | { name: string; parameter: Parameter };

function* walk(module: Module, name: string, local = name): Generator<Visit> {
  yield { name, local, module };
  for (const [child, value] of children(module)) {
    const path = name ? `${name}.${child}` : child;
    if (value instanceof Parameter) yield { name: path, parameter: value };
    else yield* walk(value, path, child);
  }
}

/** One module, or several under their prefixes (without the dot; `''` for none). */
export type Modules = Module | Record<string, Module>;

const byPrefix = (modules: Modules): Record<string, Module> => (modules instanceof Module ? { '': modules } : modules);

function allParameters(modules: Modules): Map<string, Parameter> {
  const all = new Map<string, Parameter>();
  for (const [prefix, module] of Object.entries(byPrefix(modules))) {
    for (const [name, parameter] of module.parameters(prefix)) {
      if (all.has(name))
        throw new CoreBlocksError('duplicate-parameter', `two modules have a parameter named "${name}": give them different prefixes`, {
          name,
        });
      all.set(name, parameter);
    }
  }
  return all;
}

/** Name and shape of every parameter, as the state or inputs of a traced function. */
export function parameterSpecs(modules: Modules): Record<string, TensorSpec> {
  return Object.fromEntries([...allParameters(modules)].map(([name, { shape }]) => [name, { shape, dtype: 'float32' as const }]));
}

/** Number of learnable scalars. */
export function countParameters(modules: Modules): number {
  let count = 0;
  for (const { shape } of allParameters(modules).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

/**
 * Initial values of every parameter. Each depends only on (seed, its full name, element index): adding, removing or reordering
 * layers leaves the others' bytes unchanged.
 */
export function initialize(module: Module, seed: number, prefix = ''): Record<string, HostTensor> {
  const tensors: Record<string, HostTensor> = {};
  for (const [name, { shape, init }] of module.parameters(prefix)) {
    tensors[name] = {
      data: initialValues(
        init,
        shape.reduce((a, b) => a * b, 1),
        seed,
        name,
      ),
      shape,
    };
  }
  return tensors;
}

function initialValues(init: Init, size: number, seed: number, name: string): Float32Array {
  if (init === 'zeros') return new Float32Array(size);
  if (init === 'ones') return new Float32Array(size).fill(1);
  if ('constant' in init) return new Float32Array(size).fill(init.constant);
  if ('normal' in init) return normal(seed, `init/${name}`, 0, size).map((z) => init.normal * z);
  return uniform(seed, `init/${name}`, 0, size).map((u) => init.uniform * (2 * u - 1));
}

/**
 * Lends `tensors` to the parameters of `modules` while `f` runs, by name; tensors of other names are left alone. Every module's
 * `forward` runs inside the scope of its property path meanwhile, so that an engine error says where it happened.
 * @param options.recompute the modules whose insides are computed again when their gradient is asked for, in place of being kept
 * @throws CoreBlocksError parameters-mismatch listing every missing name and every wrong shape.
 */
export function withParameters<T>(
  modules: Modules,
  tensors: NamedTensors,
  f: () => T,
  { recompute = () => false }: { recompute?: (module: Module) => boolean } = {},
): T {
  const parameters = allParameters(modules);
  const problems: string[] = [];
  for (const [name, { shape }] of parameters) {
    const tensor = tensors[name];
    if (!tensor) problems.push(`missing ${name} [${shape.join(', ')}]`);
    else if (tensor.shape.join() !== shape.join())
      problems.push(`${name}: expected [${shape.join(', ')}], got [${tensor.shape.join(', ')}]`);
  }
  if (problems.length)
    throw new CoreBlocksError('parameters-mismatch', `cannot bind parameters:\n  ${problems.join('\n  ')}`, { problems });

  const undo: (() => void)[] = [];
  try {
    for (const [name, parameter] of parameters) {
      const before = parameter.bound;
      parameter.bound = { name, tensor: tensors[name] as tf.Tensor };
      undo.push(() => {
        parameter.bound = before;
      });
    }
    for (const [prefix, module] of Object.entries(byPrefix(modules))) {
      for (const visit of walk(module, prefix))
        if (!visit.parameter) undo.push(scopeMethods(visit.module, visit.local, recompute(visit.module)));
    }
    return f();
  } finally {
    for (const step of undo.reverse()) step();
  }
}

/** The methods that do a module's work. */
const SCOPED_METHODS = ['forward', 'encode', 'decode'] as const;

type Method = (...args: unknown[]) => unknown;

/** Shadows those methods of the class by ones that run in a scope; returns what removes the shadows. */
function scopeMethods(module: Module, scope: string, recompute: boolean): () => void {
  const target = module as Module & Partial<Record<(typeof SCOPED_METHODS)[number], Method>>;
  const shadowed = SCOPED_METHODS.filter((name) => scope !== '' && target[name] !== undefined && !Object.hasOwn(target, name));
  for (const name of shadowed) {
    const method = target[name]!;
    const scoped: Method = (...args) => withScope(scope, () => method.apply(target, args));
    target[name] = recompute ? (...args) => callRecomputed(module, scoped, args) : scoped;
  }
  return () => {
    for (const name of shadowed) delete target[name];
  };
}

/** Calls a module's method with nothing kept for the gradient but its tensors and the module's parameters. */
function callRecomputed(module: Module, method: Method, args: readonly unknown[]): tf.Tensor {
  const activations = args.flatMap((arg, i) => (arg instanceof tf.Tensor ? [i] : []));
  const hidden = args.find(
    (arg) => typeof arg === 'object' && arg !== null && Object.values(arg).some((value) => value instanceof tf.Tensor),
  );
  if (hidden !== undefined)
    throw new CoreBlocksError(
      'invalid-config',
      `${module.constructor.name} takes tensors inside of an object: their gradients would be lost by computing it again; pass them one by one`,
      { module: module.constructor.name },
    );
  const parameters = [...module.parameters().values()].filter(({ bound }) => bound !== null);
  return recomputed(
    (...given) => {
      const before = parameters.map(({ bound }) => bound!);
      parameters.forEach((parameter, i) => (parameter.bound = { ...before[i]!, tensor: given[activations.length + i]! }));
      try {
        const lent = activations.map((at, i) => [at, given[i]] as const);
        return method(...Object.assign([...args], Object.fromEntries(lent))) as tf.Tensor;
      } finally {
        parameters.forEach((parameter, i) => (parameter.bound = before[i]!));
      }
    },
    [...activations.map((i) => args[i] as tf.Tensor), ...parameters.map(({ tensor }) => tensor)],
    activations.length,
  );
}
