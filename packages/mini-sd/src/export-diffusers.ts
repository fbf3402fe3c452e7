import path from 'node:path';
import { writeSafetensors } from '@controllab/core-blocks';
import { writeAtomic } from '@controllab/data';
import { CONTEXT_LENGTH, vocabulary } from '@controllab/emoji-scenes';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { openMini } from './base/open-mini.ts';
import { COMMITTED_TIER, type CommunityStyle } from './names.ts';
import { textConfig } from './networks/clip.ts';
import { MINI_UNET, MINI_VAE, LATENT_LIMIT, miniVae } from './networks/models.ts';
import { loadWeights, readStatistics } from './weights.ts';

const VERSION = '0.42.1';
const TOKENS = { pad_token_id: 0, bos_token_id: 1, eos_token_id: 2 };

const README = `# The embedded default of controllab in diffusers' layout

\`unet\` (UNet2DConditionModel), \`scheduler\`, \`vae\` (AutoencoderKL) and \`text_encoder\` (transformers' CLIPTextModel) load with
\`from_pretrained(FOLDER, subfolder="unet")\`. It is no whole pipeline:

- The autoencoder works on pixels in blocks of 4 x 4: \`vae.encode(torch.nn.functional.pixel_unshuffle(images, 4))\`, images [N, 3, H, W] in
  [-1, 1], and \`pixel_shuffle(vae.decode(latents).sample, 4)\`. Latents are standardised by \`latents_mean\` and \`latents_std\` of its config.
- The text encoder reads ids of \`vocabulary.json\`, words by number: \`<start>\`, the words in lower case, \`<end>\`, \`<pad>\` up to ${CONTEXT_LENGTH}. Its
  last hidden state is what the U-Net reads.
`;

const scheduler = {
  _class_name: 'DDIMScheduler',
  _diffusers_version: VERSION,
  num_train_timesteps: 1000,
  beta_schedule: 'squaredcos_cap_v2',
  prediction_type: 'v_prediction',
  timestep_spacing: 'trailing',
  clip_sample: true,
  clip_sample_range: LATENT_LIMIT,
  set_alpha_to_one: true,
  steps_offset: 0,
};

/**
 * Writes the embedded default, or a community model of it, as diffusers and transformers read it: unet, scheduler, vae and text_encoder,
 * with the words of its vocabulary and a README of what is its own. Values are those that training and sampling here use.
 * @returns the files' names
 */
export async function exportDiffusers(folder: string, { style }: { style?: CommunityStyle } = {}): Promise<string[]> {
  const base = openMini(style === undefined ? {} : { style });
  const { words } = vocabulary(COMMITTED_TIER);
  const { mean, std } = readStatistics(loadWeights('vae', COMMITTED_TIER, miniVae()).metadata);
  const under = (prefix: string): Record<string, HostTensor> =>
    Object.fromEntries(
      Object.entries(base.weights).flatMap(([name, tensor]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), tensor as HostTensor]] : [],
      ),
    );
  const files: string[] = [];
  const text = async (name: string, value: unknown): Promise<void> => {
    await writeAtomic(path.join(folder, name), typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`);
    files.push(name);
  };
  const weights = (name: string, prefix: string): void => {
    writeSafetensors(path.join(folder, name), under(prefix), { metadata: { format: 'pt' } });
    files.push(name);
  };
  await text('unet/config.json', { _class_name: 'UNet2DConditionModel', _diffusers_version: VERSION, sample_size: 16, ...MINI_UNET });
  weights('unet/diffusion_pytorch_model.safetensors', 'unet.');
  await text('vae/config.json', {
    _class_name: 'AutoencoderKL',
    _diffusers_version: VERSION,
    ...MINI_VAE,
    scaling_factor: 1,
    latents_mean: mean,
    latents_std: std,
  });
  weights('vae/diffusion_pytorch_model.safetensors', 'vae.');
  await text('text_encoder/config.json', {
    architectures: ['CLIPTextModel'],
    model_type: 'clip_text_model',
    ...textConfig(words.length),
    ...TOKENS,
  });
  weights('text_encoder/model.safetensors', 'text.');
  await text('scheduler/scheduler_config.json', scheduler);
  await text('vocabulary.json', Object.fromEntries(words.map((word, id) => [word, id])));
  await text('README.md', README);
  return files;
}
