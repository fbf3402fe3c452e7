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
}

const withPrefix = <T>(prefix: string, tensors: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}:${name}`, tensor]));

/** The tensors of a training state that carry a prefix (`p`, `m`, `v`, `ema`), without it. */
export function stateTensors<T>(state: Record<string, T>, prefix: 'p' | 'm' | 'v' | 'ema'): Record<string, T> {
  return Object.fromEntries(
    Object.entries(state).flatMap(([name, tensor]) => (name.startsWith(`${prefix}:`) ? [[name.slice(prefix.length + 1), tensor]] : [])),
  );
}

/** The state before the first step: the parameters, zero moments, and a copy of the parameters as their average. */
export function initialTrainState(
  parameters: Record<string, HostTensor>,
  { ema = false }: { ema?: boolean } = {},
): Record<string, HostTensor> {
  const zeros = Object.fromEntries(
    Object.entries(parameters).map(([name, { data, shape }]) => [name, { data: new Float32Array(data.length), shape }]),
  );
  return {
    ...withPrefix('p', parameters),
    ...withPrefix('m', zeros),
    ...withPrefix('v', zeros),
    ...(ema ? withPrefix('ema', parameters) : {}),
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

/** Signature and traced function of a training step: loss, gradients by tfjs's tape, AdamW and the weights' average in one graph. */
export function trainStepFunction({ loss, trainable, constants = {}, inputs, optimizer = {}, rate = () => 1, ema }: TrainStepDefinition): {
  fn: Traceable;
  signature: Signature;
} {
  const scalars = ['learning_rate', 'bias_correction1', 'bias_correction2', ...(ema === undefined ? [] : ['ema_weight'])];
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
      const moments = { m: stateTensors(state, 'm'), v: stateTensors(state, 'v') };
      const next: ReturnType<typeof adamw> = { params: {}, m: {}, v: {} };
      for (const [share, names] of byRate(Object.keys(params), rate)) {
        const group = (tensors: NamedTensors): NamedTensors => Object.fromEntries(names.map((name) => [name, tensors[name]!]));
        const updated = adamw(
          group(params),
          group(grads),
          group(moments.m),
          group(moments.v),
          {
            learningRate: (share === 1 ? fed.learning_rate : tf.mul(fed.learning_rate!, share)) as tf.Scalar,
            biasCorrection1: fed.bias_correction1 as tf.Scalar,
            biasCorrection2: fed.bias_correction2 as tf.Scalar,
          },
          optimizer,
        );
        for (const part of ['params', 'm', 'v'] as const) Object.assign(next[part], updated[part]);
      }
      const averages = Object.fromEntries(
        Object.entries(stateTensors(state, 'ema')).map(([name, average]) => [
          name,
          average.add(next.params[name]!.sub(average).mul(fed.ema_weight!)),
        ]),
      );
      return { ...withPrefix('p', next.params), ...withPrefix('m', next.m), ...withPrefix('v', next.v), ...withPrefix('ema', averages) };
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
      },
    },
  };
}

/** Compiles a training step for `runTraining`. Set its state with `initialTrainState`, or let `runTraining` do it. */
export async function compileTrainStep(
  definition: TrainStepDefinition,
  options: Omit<CompileOptions, 'name'> = {},
): Promise<CompiledFunction & { optimizer: OptimizerSettings }> {
  const { fn, signature } = trainStepFunction(definition);
  const compiled = await compile(fn, signature, { ...options, name: definition.name });
  const { beta1 = 0.9, beta2 = 0.999 } = definition.optimizer ?? {};
  return Object.assign(compiled, { optimizer: { beta1, beta2, emaDecay: definition.ema } });
}
