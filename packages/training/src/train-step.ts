import * as tf from '@tensorflow/tfjs';
import {
  adamw,
  compile,
  OPTIMIZER_SCOPE,
  valueAndGrads,
  withScope,
  type CompileOptions,
  type CompiledFunction,
  type ConstantTensor,
  type HostTensor,
  type NamedTensors,
  type Signature,
  type TensorSpec,
  type Traceable,
} from '@controllab/tfjs-onnx';
import { accumulatedRun } from './accumulated-run.ts';
import { clipByGlobalNorm } from './clip-gradients.ts';
import type { OptimizerSettings } from './optimizer-inputs.ts';

export interface TrainStepDefinition {
  name: string;
  /** The loss in plain tfjs; `aux` tensors become outputs of the step. Runs once, while tracing. */
  loss(args: { params: NamedTensors; constants: NamedTensors; inputs: NamedTensors }): { loss: tf.Scalar; aux?: NamedTensors };
  /** Shapes of what is trained, by name. */
  trainable: Record<string, TensorSpec>;
  /** Frozen weights. */
  constants?: Record<string, ConstantTensor>;
  /** Shapes of a batch's tensors. */
  inputs: Record<string, TensorSpec>;
  /** AdamW; the learning rate is fed by the loop. */
  optimizer?: { beta1?: number; beta2?: number; eps?: number; weightDecay?: number };
  /** Learning rate of a parameter as a share of the one that the loop feeds; 1. */
  rate?(name: string): number;
  /** Decay of averaged weights kept as state ema:NAME; none without it. */
  ema?: number;
  /** Gradients whose joint norm is larger are scaled down to it; none without it. */
  maxGradNorm?: number;
  /**
   * Micro-batches A of one step: `inputs` are those of one of them, a step is fed A of them along the first axis, [A N, ...], and memory
   * holds one at a time. Gradients are averaged in state g:NAME, which is zero between steps. 1.
   */
  accumulation?: number;
}

const withPrefix = <T>(prefix: string, tensors: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}:${name}`, tensor]));

/** Parameters, their moments, their average, and gradients that are being accumulated. */
type StatePrefix = 'p' | 'm' | 'v' | 'ema' | 'g';

/** The tensors of a training state that carry a prefix, without it. */
export function stateTensors<T>(state: Record<string, T>, prefix: StatePrefix): Record<string, T> {
  return Object.fromEntries(
    Object.entries(state).flatMap(([name, tensor]) => (name.startsWith(`${prefix}:`) ? [[name.slice(prefix.length + 1), tensor]] : [])),
  );
}

/** The state before the first step: the parameters, zero moments and gradients, and a copy of the parameters as their average. */
export function initialTrainState(
  parameters: Record<string, HostTensor>,
  { ema = false, accumulation = 1 }: { ema?: boolean; accumulation?: number } = {},
): Record<string, HostTensor> {
  const zeros = Object.fromEntries(
    Object.entries(parameters).map(([name, { data, shape }]) => [name, { data: new Float32Array(data.length), shape }]),
  );
  return {
    ...withPrefix('p', parameters),
    ...withPrefix('m', zeros),
    ...withPrefix('v', zeros),
    ...(ema ? withPrefix('ema', parameters) : {}),
    ...(accumulation > 1 ? withPrefix('g', zeros) : {}),
  };
}

/** Names by the share of the learning rate that they train at: PyTorch's parameter groups. */
function byRate(names: readonly string[], rate: (name: string) => number): Map<number, string[]> {
  const groups = new Map<number, string[]>();
  for (const name of names) {
    const share = rate(name);
    const group = groups.get(share);
    if (group === undefined) groups.set(share, [name]);
    else group.push(name);
  }
  return groups;
}

type State = Record<'p' | 'm' | 'v' | 'ema', NamedTensors>;

/** AdamW by groups of one rate, then the average. */
function update(before: State, grads: NamedTensors, fed: NamedTensors, { optimizer = {}, rate = () => 1 }: TrainStepDefinition): State {
  const next: ReturnType<typeof adamw> = { params: {}, m: {}, v: {} };
  for (const [share, names] of byRate(Object.keys(before.p), rate)) {
    const group = (tensors: NamedTensors): NamedTensors => Object.fromEntries(names.map((name) => [name, tensors[name]!]));
    const updated = adamw(
      group(before.p),
      group(grads),
      group(before.m),
      group(before.v),
      {
        learningRate: (share === 1 ? fed.learning_rate : tf.mul(fed.learning_rate!, share)) as tf.Scalar,
        biasCorrection1: fed.bias_correction1 as tf.Scalar,
        biasCorrection2: fed.bias_correction2 as tf.Scalar,
      },
      optimizer,
    );
    for (const part of ['params', 'm', 'v'] as const) Object.assign(next[part], updated[part]);
  }
  const ema = Object.fromEntries(
    Object.entries(before.ema).map(([name, average]) => [name, average.add(next.params[name]!.sub(average).mul(fed.ema_weight!))]),
  );
  return { p: next.params, m: next.m, v: next.v, ema };
}

const prefixed = (state: State): NamedTensors =>
  Object.assign({}, ...Object.entries(state).map(([prefix, tensors]) => withPrefix(prefix, tensors))) as NamedTensors;

/** A micro-batch's gradients added to those before it; at the last one the update, else what was. */
function accumulate(
  before: State,
  grads: NamedTensors,
  fed: NamedTensors,
  sums: NamedTensors,
  definition: TrainStepDefinition,
): NamedTensors {
  const { accumulation = 1, maxGradNorm } = definition;
  const total = Object.fromEntries(Object.entries(grads).map(([name, grad]) => [name, sums[name]!.add(grad.mul(1 / accumulation))]));
  const last = tf.greater(fed.last_of_step!, 0.5);
  const after = prefixed(update(before, maxGradNorm === undefined ? total : clipByGlobalNorm(total, maxGradNorm), fed, definition));
  const kept = prefixed(before);
  const chosen = Object.entries(after).map(([name, tensor]) => [name, tf.where(last, tensor, kept[name]!)] as const);
  const zeroed = Object.entries(total).map(([name, sum]) => [`g:${name}`, tf.where(last, tf.zerosLike(sum), sum)] as const);
  return Object.fromEntries([...chosen, ...zeroed]);
}

/** Signature and traced function of a training step: loss, gradients by tfjs's tape, AdamW and the weights' average in one graph. */
export function trainStepFunction(definition: TrainStepDefinition): { fn: Traceable; signature: Signature } {
  const { loss, trainable, constants = {}, inputs, ema, maxGradNorm, accumulation = 1 } = definition;
  const scalars = [
    'learning_rate',
    'bias_correction1',
    'bias_correction2',
    ...(ema === undefined ? [] : ['ema_weight']),
    ...(accumulation > 1 ? ['last_of_step'] : []),
  ];
  const fn: Traceable = ({ inputs: fed, state, constants: frozen }) => {
    const params = stateTensors(state, 'p');
    let aux: NamedTensors = {};
    const { value, grads } = valueAndGrads(() => {
      const result = loss({ params, constants: frozen, inputs: fed });
      // the tape's scope would dispose of everything but the loss
      aux = Object.fromEntries(Object.entries(result.aux ?? {}).map(([name, tensor]) => [name, tf.keep(tensor)]));
      return result.loss;
    }, params);
    const optimised = (): NamedTensors => {
      const before: State = { p: params, m: stateTensors(state, 'm'), v: stateTensors(state, 'v'), ema: stateTensors(state, 'ema') };
      if (accumulation > 1) return accumulate(before, grads, fed, stateTensors(state, 'g'), definition);
      return prefixed(update(before, maxGradNorm === undefined ? grads : clipByGlobalNorm(grads, maxGradNorm), fed, definition));
    };
    return { outputs: { ...aux, loss: value }, state: withScope(OPTIMIZER_SCOPE, optimised) };
  };
  return {
    fn,
    signature: {
      constants,
      inputs: { ...inputs, ...Object.fromEntries(scalars.map((name) => [name, { shape: [] }])) },
      state: {
        ...withPrefix('p', trainable),
        ...withPrefix('m', trainable),
        ...withPrefix('v', trainable),
        ...(ema === undefined ? {} : withPrefix('ema', trainable)),
        ...(accumulation > 1 ? withPrefix('g', trainable) : {}),
      },
    },
  };
}

/** Compiles a training step for `runTraining`. Set its state with `initialTrainState`, or let `runTraining` do it. */
export async function compileTrainStep(
  definition: TrainStepDefinition,
  options: Omit<CompileOptions, 'name'> = {},
): Promise<CompiledFunction & { optimizer: OptimizerSettings }> {
  const { accumulation = 1, inputs } = definition;
  const { beta1 = 0.9, beta2 = 0.999 } = definition.optimizer ?? {};
  const optimizer: OptimizerSettings = { beta1, beta2, emaDecay: definition.ema };
  const { fn, signature } = trainStepFunction(definition);
  const { stepsPerRun = 1 } = options;
  const compiled = await compile(fn, signature, { ...options, stepsPerRun: stepsPerRun * accumulation, name: definition.name });
  return Object.assign(accumulation > 1 ? accumulatedRun(compiled, { accumulation, batch: Object.keys(inputs) }) : compiled, { optimizer });
}
