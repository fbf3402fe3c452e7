import * as tf from '@tensorflow/tfjs';
import type { HostTensor, NamedTensors, TensorSpec } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from '../errors.ts';
import { Module, Parameter } from '../module.ts';

/** The two factors of one weight's update; names are peft's. */
class LoraLayer extends Module {
  lora_A: Module & { weight: Parameter };
  lora_B: Module & { weight: Parameter };

  constructor(outFeatures: number, inFeatures: number, rank: number) {
    super();
    this.lora_A = new Factor([rank, inFeatures], { uniform: Math.sqrt(3 / inFeatures) });
    this.lora_B = new Factor([outFeatures, rank], 'zeros');
  }
}

class Factor extends Module {
  weight: Parameter;

  constructor(shape: readonly number[], init: ConstructorParameters<typeof Parameter>[1]) {
    super();
    this.weight = new Parameter(shape, init);
  }
}

/**
 * Low-rank adaptation ("LoRA", Hu et al. 2021, section 4.1) of every linear and convolutional weight of a network: W + B A, with A of rank
 * rows over a convolution's input channels and kernel. B starts at zero, so that an adapter begins as the network it adapts.
 */
export class Lora extends Module {
  readonly #layers: ReadonlyMap<string, LoraLayer>;

  /**
   * @param specs the adapted network's parameters by name; vectors (biases and norms) are left alone
   * @param rank of every update
   */
  constructor(specs: Readonly<Record<string, TensorSpec>>, rank: number) {
    super();
    if (!Number.isInteger(rank) || rank < 1)
      throw new CoreBlocksError('invalid-config', `Lora: expected a rank of at least 1, got ${rank}`, { rank });
    const layers = new Map<string, LoraLayer>();
    for (const [name, { shape }] of Object.entries(specs)) {
      if (!name.endsWith('.weight') || shape.length < 2) continue;
      layers.set(
        name,
        new LoraLayer(
          shape[0]!,
          shape.slice(1).reduce((a, b) => a * b, 1),
          rank,
        ),
      );
    }
    this.#layers = layers;
    // As properties, so that an adapter's parameters have the names that peft gives them.
    Object.assign(this, Object.fromEntries([...layers].map(([name, layer]) => [name.slice(0, -'.weight'.length), layer])));
  }

  /** The adapted weights, with every weight that has no adapter as it is. Traceable: gradients reach the adapter. */
  apply(base: NamedTensors): NamedTensors {
    const adapted: NamedTensors = { ...base };
    for (const [name, layer] of this.#layers) {
      const update = tf.matMul(layer.lora_B.weight.tensor as tf.Tensor2D, layer.lora_A.weight.tensor as tf.Tensor2D);
      adapted[name] = tf.add(base[name]!, tf.reshape(update, base[name]!.shape));
    }
    return adapted;
  }

  /** The same on the host, once and for all: weights to run a network with. `lora`: the adapter's values by name. */
  merge(base: Readonly<Record<string, HostTensor>>, lora: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> {
    const merged: Record<string, HostTensor> = { ...base };
    for (const name of this.#layers.keys()) {
      const layer = name.slice(0, -'.weight'.length);
      const [a, b] = [lora[`${layer}.lora_A.weight`]!, lora[`${layer}.lora_B.weight`]!];
      const { data, shape } = base[name]!;
      const [rank, width] = a.shape as [number, number];
      const out = Float32Array.from(data as Float32Array);
      const [down, up] = [a.data, b.data];
      for (let o = 0; o < b.shape[0]!; o++) {
        const row = out.subarray(o * width, (o + 1) * width);
        for (let r = 0; r < rank; r++) {
          const factor = up[o * rank + r]!;
          for (let i = 0, from = r * width; i < width; i++, from++) row[i]! += factor * down[from]!;
        }
      }
      merged[name] = { data: out, shape };
    }
    return merged;
  }
}
