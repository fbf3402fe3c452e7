import * as tf from '@tensorflow/tfjs';
import { madeUpNumbers } from '@controllab/python-peer';
import {
  adamw,
  nn,
  OPTIMIZER_SCOPE,
  trace,
  valueAndGrads,
  withScope,
  type HostTensor,
  type NamedTensors,
  type Signature,
  type TensorSpec,
  type Traceable,
} from '@controllab/tfjs-onnx';

/** A small conditional U-Net; peer_torch.py builds the same one from the same object. */
export interface UNetConfig {
  channels: number;
  /** Height and width. */
  size: number;
  /** Channels of level l are base * multipliers[l]. */
  base: number;
  multipliers: readonly number[];
  attentionLevels: readonly number[];
  heads: number;
  groups: number;
  contextLength: number;
  contextWidth: number;
}

export interface Network {
  name: string;
  batch: number;
  config: UNetConfig;
}

export const NETWORKS: readonly Network[] = [
  {
    name: 'pixels-32',
    batch: 16,
    config: {
      channels: 3,
      size: 32,
      base: 64,
      multipliers: [1, 2, 2],
      attentionLevels: [1],
      heads: 4,
      groups: 8,
      contextLength: 16,
      contextWidth: 64,
    },
  },
  {
    name: 'latents-16',
    batch: 16,
    config: {
      channels: 4,
      size: 16,
      base: 96,
      multipliers: [1, 2],
      attentionLevels: [1],
      heads: 4,
      groups: 8,
      contextLength: 16,
      contextWidth: 64,
    },
  },
];

/** Small enough for a smoke test: its times mean nothing. */
export const QUICK_NETWORKS: readonly Network[] = [
  {
    name: 'tiny-8',
    batch: 2,
    config: {
      channels: 3,
      size: 8,
      base: 8,
      multipliers: [1, 2],
      attentionLevels: [1],
      heads: 2,
      groups: 4,
      contextLength: 4,
      contextWidth: 8,
    },
  },
];

/** Parameter by name (a path as in PyTorch's state_dict) and shape (PyTorch's layout). */
type Parameter = (name: string, shape: readonly number[]) => tf.Tensor;

interface Builder {
  linear(name: string, x: tf.Tensor, outputs: number, bias?: boolean): tf.Tensor;
  conv(name: string, x: tf.Tensor, outputs: number, kernel?: number, stride?: number): tf.Tensor;
  groupNorm(name: string, x: tf.Tensor, silu: boolean): tf.Tensor;
  layerNorm(name: string, x: tf.Tensor): tf.Tensor;
}

function builder(parameter: Parameter, groups: number): Builder {
  const pair = (name: string, shape: number[]): [tf.Tensor, tf.Tensor] => [
    parameter(`${name}.weight`, shape),
    parameter(`${name}.bias`, [shape[0]!]),
  ];
  return {
    linear: (name, x, outputs, bias = true) =>
      nn.linear(x, parameter(`${name}.weight`, [outputs, x.shape[x.rank - 1]!]), bias ? parameter(`${name}.bias`, [outputs]) : null),
    conv: (name, x, outputs, kernel = 3, stride = 1) =>
      nn.conv2d(x, ...pair(name, [outputs, x.shape[1]!, kernel, kernel]), { stride, padding: (kernel - 1) / 2 }),
    groupNorm: (name, x, silu) => nn.groupNorm(x, ...pair(name, [x.shape[1]!]), groups, 1e-5, { silu }),
    layerNorm: (name, x) => nn.layerNorm(x, ...pair(name, [x.shape[x.rank - 1]!]), 1e-5),
  };
}

/**
 * Predicts the noise.
 * @param sample [N, C, H, W]
 * @param time [N, base], already embedded
 * @param context [N, S, D]
 */
export function unet(config: UNetConfig, parameter: Parameter, sample: tf.Tensor, time: tf.Tensor, context: tf.Tensor): tf.Tensor {
  const b = builder(parameter, config.groups);
  const { base, multipliers, heads } = config;

  const resnet = (name: string, x: tf.Tensor, temb: tf.Tensor, outputs: number): tf.Tensor =>
    withScope(name, () => {
      let h = b.conv(`${name}.conv1`, b.groupNorm(`${name}.norm1`, x, true), outputs);
      h = tf.add(h, tf.reshape(b.linear(`${name}.time`, temb, outputs), [-1, outputs, 1, 1]));
      h = b.conv(`${name}.conv2`, b.groupNorm(`${name}.norm2`, h, true), outputs);
      return tf.add(x.shape[1] === outputs ? x : b.conv(`${name}.skip`, x, outputs, 1), h);
    });

  const attention = (name: string, x: tf.Tensor, from: tf.Tensor): tf.Tensor => {
    const width = x.shape[2]!;
    const project = (which: string, t: tf.Tensor): tf.Tensor => b.linear(`${name}.${which}`, t, width, false);
    return b.linear(`${name}.out`, nn.attention(project('q', x), project('k', from), project('v', from), heads), width);
  };

  const transformer = (name: string, x: tf.Tensor): tf.Tensor =>
    withScope(name, () => {
      const [n, c, h, w] = x.shape as [number, number, number, number];
      const tokens = tf.transpose(tf.reshape(b.groupNorm(`${name}.norm`, x, false), [n, c, h * w]), [0, 2, 1]);
      let y = b.linear(`${name}.proj_in`, tokens, c);
      const normal = b.layerNorm(`${name}.norm1`, y);
      y = tf.add(y, attention(`${name}.self`, normal, normal));
      y = tf.add(y, attention(`${name}.cross`, b.layerNorm(`${name}.norm2`, y), context));
      return tf.add(x, tf.reshape(tf.transpose(b.linear(`${name}.proj_out`, y, c), [0, 2, 1]), x.shape));
    });

  const temb = nn.silu(b.linear('time_out', nn.silu(b.linear('time_in', time, 4 * base)), 4 * base));
  let h = b.conv('conv_in', sample, base);
  const skips = [h];
  const deepest = multipliers.length - 1;
  multipliers.forEach((multiplier, level) => {
    h = resnet(`down.${level}.resnet`, h, temb, base * multiplier);
    if (config.attentionLevels.includes(level)) h = transformer(`down.${level}.attention`, h);
    skips.push(h);
    if (level === deepest) return;
    h = b.conv(`down.${level}.resample`, h, base * multiplier, 3, 2);
    skips.push(h);
  });
  h = resnet('mid.resnet1', h, temb, base * multipliers[deepest]!);
  h = transformer('mid.attention', h);
  h = resnet('mid.resnet2', h, temb, base * multipliers[deepest]!);
  for (let level = deepest; level >= 0; level--) {
    const outputs = base * multipliers[level]!;
    for (const j of [1, 2]) h = resnet(`up.${level}.resnet${j}`, tf.concat([h, skips.pop()!], 1), temb, outputs);
    if (config.attentionLevels.includes(level)) h = transformer(`up.${level}.attention`, h);
    if (level > 0) h = b.conv(`up.${level}.resample`, nn.upsampleNearest2x(h), outputs);
  }
  return b.conv('conv_out', b.groupNorm('norm_out', h, true), config.channels);
}

/** Shapes of what a network reads, for a batch. */
export function inputSpecs({ batch, config }: Network): Record<'sample' | 'time' | 'context', TensorSpec> {
  return {
    sample: { shape: [batch, config.channels, config.size, config.size] },
    time: { shape: [batch, config.base] },
    context: { shape: [batch, config.contextLength, config.contextWidth] },
  };
}

/** Names and shapes of all parameters, found by tracing. */
export function parameterSpecs(network: Network): Record<string, TensorSpec> {
  const specs: Record<string, TensorSpec> = {};
  const declare: Parameter = (name, shape) => {
    specs[name] = { shape };
    return tf.fill([...shape], 0);
  };
  trace(({ inputs }) => ({ outputs: { noise: unet(network.config, declare, inputs['sample']!, inputs['time']!, inputs['context']!) } }), {
    inputs: inputSpecs(network),
  });
  return specs;
}

const bound =
  (tensors: NamedTensors, prefix = ''): Parameter =>
  (name) =>
    tensors[prefix + name]!;

/** Forward pass; parameters are constants. */
export const forward =
  ({ config }: Network): Traceable =>
  ({ inputs, constants }) => ({
    outputs: { noise: unet(config, bound(constants), inputs['sample']!, inputs['time']!, inputs['context']!) },
  });

/** Parameters `p:`, moments `m:` and `v:` of a training step, by name. */
export const prefixed = <T>(prefix: string, record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, t]) => [prefix + name, t]));

/** What a training step reads: a batch, the optimizer's scalars, parameters with their moments. */
export function stepSignature(network: Network): Signature {
  const specs = parameterSpecs(network);
  const inputs = inputSpecs(network);
  const scalars = { learningRate: { shape: [] }, biasCorrection1: { shape: [] }, biasCorrection2: { shape: [] } };
  return {
    inputs: { ...inputs, noise: inputs.sample, ...scalars },
    state: { ...prefixed('p:', specs), ...prefixed('m:', specs), ...prefixed('v:', specs) },
  };
}

/** The state before the first step: moments are zero. */
export function initialState(parameters: Record<string, HostTensor>): Record<string, HostTensor> {
  const zeros = Object.fromEntries(
    Object.entries(parameters).map(([name, t]) => [name, { data: new Float32Array(t.data.length), shape: t.shape }]),
  );
  return { ...prefixed('p:', parameters), ...prefixed('m:', zeros), ...prefixed('v:', zeros) };
}

/** Forward pass, mean squared error, gradients, AdamW; parameters and moments are state. */
export const trainingStep = (network: Network): Traceable => {
  const names = Object.keys(parameterSpecs(network));
  return ({ inputs, state }) => {
    const pick = (prefix: string): NamedTensors => Object.fromEntries(names.map((name) => [name, state[prefix + name]!]));
    const params = pick('p:');
    const { value, grads } = valueAndGrads(
      () =>
        tf.mean(
          tf.squaredDifference(
            unet(network.config, bound(params), inputs['sample']!, inputs['time']!, inputs['context']!),
            inputs['noise']!,
          ),
        ) as tf.Scalar,
      params,
    );
    const schedule = {
      learningRate: inputs['learningRate'] as tf.Scalar,
      biasCorrection1: inputs['biasCorrection1'] as tf.Scalar,
      biasCorrection2: inputs['biasCorrection2'] as tf.Scalar,
    };
    const next = withScope(OPTIMIZER_SCOPE, () => adamw(params, grads, pick('m:'), pick('v:'), schedule));
    return { outputs: { loss: value }, state: { ...prefixed('p:', next.params), ...prefixed('m:', next.m), ...prefixed('v:', next.v) } };
  };
};

/** Starting parameters: norms at one, biases at zero, weights uniform with variance 1 / fan-in. */
export function initialParameters(network: Network): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(parameterSpecs(network)).map(([name, spec]) => {
      if (spec.shape.length > 1)
        return [name, madeUpNumbers(name, spec.shape, Math.sqrt(3 / spec.shape.slice(1).reduce((a, b) => a * b, 1)))];
      return [name, { data: new Float32Array(spec.shape[0]!).fill(name.endsWith('.weight') ? 1 : 0), shape: spec.shape }];
    }),
  );
}

/** A batch of variance 1, with the noise to predict. */
export function exampleInputs(network: Network): Record<'sample' | 'time' | 'context' | 'noise', HostTensor> {
  const { sample, time, context } = inputSpecs(network);
  const unit = (name: string, spec: TensorSpec): HostTensor => madeUpNumbers(name, spec.shape, Math.sqrt(3));
  return { sample: unit('sample', sample), time: unit('time', time), context: unit('context', context), noise: unit('noise', sample) };
}
