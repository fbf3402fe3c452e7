import type * as tf from '@tensorflow/tfjs';
import { Lora, Module, parameterSpecs, withParameters, type Conv2d, type ResolvedEncoder } from '@controllab/core-blocks';
import { ControlNetModel, type ControlNetConfig } from './controlnet.ts';
import { ControlNetError } from './errors.ts';
import type { HintEncoder } from './hint-encoder.ts';
import type { ControlResiduals } from './residuals.ts';

/** Parameters that a ControlNet has and its U-Net has not. */
const ITS_OWN = /^controlnet_/;

/** The tensors that are lent to a module's parameters, by name. */
const lentTo = (module: Module): Record<string, tf.Tensor> =>
  Object.fromEntries([...module.parameters()].flatMap(([name, { bound }]) => (bound === null ? [] : [[name, bound.tensor]])));

/**
 * Control-LoRA: a ControlNet whose copy is the U-Net's own encoder plus low-rank updates. Those, the hint encoder and the zero convolutions
 * are its parameters; every weight matrix and convolution of the copy gets an update, biases and norms stay the U-Net's.
 * For Stable Diffusion 1.5 at rank 128: 67,686,544 parameters. Source: Stability AI's Control-LoRA (2023); Hu et al. 2021, section 4.1.
 */
export class ControlLora extends Module {
  lora: Lora;
  controlnet_cond_embedding: HintEncoder | null;
  controlnet_down_blocks: Conv2d[];
  controlnet_mid_block: Conv2d | null;
  /** What runs: lent the adapted weights for every call, so that none of them is a parameter. */
  readonly #copy: ControlNetModel;

  /** @throws CoreBlocksError invalid-config */
  constructor(config: ControlNetConfig, rank: number) {
    super();
    this.#copy = new ControlNetModel(config);
    const copied = Object.entries(parameterSpecs(this.#copy)).filter(([name]) => !ITS_OWN.test(name));
    this.lora = new Lora(Object.fromEntries(copied), rank);
    this.controlnet_cond_embedding = this.#copy.controlnet_cond_embedding;
    this.controlnet_down_blocks = this.#copy.controlnet_down_blocks;
    this.controlnet_mid_block = this.#copy.controlnet_mid_block;
  }

  get encoder(): Readonly<ResolvedEncoder> {
    return this.#copy.encoder;
  }

  /**
   * @param unet the U-Net that it adapts, its parameters bound; the other arguments and the result are `ControlNetModel.forward`'s
   * @throws ControlNetError unet-mismatch naming every weight of the copy that the U-Net lacks or has in another shape
   */
  forward(unet: Module, ...args: Parameters<ControlNetModel['forward']>): ControlResiduals {
    const base = lentTo(unet);
    const own = lentTo(this);
    const problems = [...this.#copy.parameters()].flatMap(([name, { shape }]) => {
      const found = ITS_OWN.test(name) ? own[name] : base[name];
      return found?.shape.join() === shape.join() ? [] : [`${name} [${shape.join(', ')}]`];
    });
    if (problems.length > 0)
      throw new ControlNetError('unet-mismatch', `the U-Net has no such encoder for a Control-LoRA to adapt:\n  ${problems.join('\n  ')}`, {
        problems,
      });
    const adapted = { ...this.lora.apply(base), ...own };
    return withParameters(this.#copy, adapted, () => this.#copy.forward(...args));
  }
}
