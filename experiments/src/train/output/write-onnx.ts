import path from 'node:path';
import type { ControlNetModel } from '@controllab/controlnet';
import { conditionSpec, withParameters, type Denoiser, type LatentSize } from '@controllab/core-blocks';
import { saveOnnx } from '@controllab/tfjs-onnx';
import type { TrainedControl } from './write-control.ts';

/** What ONNX's one file may hold. */
export const ONNX_BYTES = 2 ** 31 - 2 ** 20;

/**
 * Writes a ControlNet as ONNX for ONNX Runtime, for one picture at the size that it was trained on. Inputs: `sample` [1, C, h, w],
 * `timestep` [1], `encoder_hidden_states` [1, S, D], `controlnet_cond` [1, 3, H, W] in [0, 1], `conditioning_scale` []; for SDXL also
 * `text_embeds` and `time_ids`. Outputs: `out down_block_res_samples_0` ... and `out mid_block_res_sample`, as diffusers returns them.
 */
export function writeOnnx(folder: string, { control, weights }: TrainedControl, denoiser: Denoiser, latent: LatentSize): string {
  const module = control.module as ControlNetModel;
  const { sample, timesteps, context, textEmbeds, timeIds } = denoiser.inputs(1, latent);
  const name = 'model.onnx';
  saveOnnx(
    ({ inputs, constants }) =>
      withParameters({ control: module }, constants, () => {
        const { downBlockResiduals, midBlockResidual } = module.forward(
          inputs['sample']!,
          inputs['timestep']!,
          inputs['encoder_hidden_states']!,
          inputs['controlnet_cond']!,
          {
            conditioningScale: inputs['conditioning_scale']!,
            ...(timeIds === undefined ? {} : { addedConditions: { textEmbeds: inputs['text_embeds']!, timeIds: inputs['time_ids']! } }),
          },
        );
        const down = downBlockResiduals.map((residual, i) => [`down_block_res_samples_${i}`, residual] as const);
        return { outputs: { ...Object.fromEntries(down), mid_block_res_sample: midBlockResidual } };
      }),
    {
      inputs: {
        sample: sample!,
        timestep: timesteps!,
        encoder_hidden_states: context!,
        controlnet_cond: conditionSpec(denoiser.target, sample!),
        conditioning_scale: { shape: [] },
        ...(timeIds === undefined ? {} : { text_embeds: textEmbeds!, time_ids: timeIds }),
      },
      constants: weights,
    },
    path.join(folder, name),
  );
  return name;
}
