import type { Weights } from '@controllab/core-blocks';
import { ldmNames } from '../unet-layout.ts';
import { PEFT_PREFIX } from './peft-config.ts';

/** Prefixes that files give a network's layers. */
interface Network {
  /** In front of a base's parameters. */
  readonly weights: string;
  /** kohya's, with dots as underscores behind it. */
  readonly kohya: readonly string[];
  /** diffusers' and peft's. */
  readonly dotted: readonly string[];
  /** ComfyUI's; the U-Net's layers have LDM's names there. */
  readonly comfy: string;
}

const UNET: Network = { weights: 'unet.', kohya: ['lora_unet_'], dotted: ['unet.', PEFT_PREFIX, ''], comfy: 'diffusion_model.' };
const NETWORKS: readonly Network[] = [
  UNET,
  {
    weights: 'text.text_encoder.',
    kohya: ['lora_te_', 'lora_te1_'],
    // peft saves each network alone: of two text encoders such names are the first's.
    dotted: ['text_encoder.', PEFT_PREFIX],
    comfy: 'text_encoders.clip_l.transformer.',
  },
  { weights: 'text.text_encoder_2.', kohya: ['lora_te2_'], dotted: ['text_encoder_2.'], comfy: 'text_encoders.clip_g.transformer.' },
];

const underscored = (name: string): string => name.replaceAll('.', '_');

/** Text encoders were saved with and without this part of their names. */
const TEXT_MODEL = /^text_model\./;

/**
 * Every name that a file may give a layer of a base, to the layer's weight: kohya's of diffusers' and of LDM's names, diffusers',
 * peft's and ComfyUI's. Vectors and embeddings are no layers that a LoRA adapts.
 */
export function loraNames(weights: Weights): ReadonlyMap<string, string> {
  const inUNet = Object.keys(weights).flatMap((name) => (name.startsWith(UNET.weights) ? [name.slice(UNET.weights.length)] : []));
  const ldm = ldmNames(inUNet);
  const found = new Map<string, string>();
  for (const [name, { shape }] of Object.entries(weights)) {
    const network = NETWORKS.find(({ weights: prefix }) => name.startsWith(prefix));
    if (network === undefined || !name.endsWith('.weight') || shape.length < 2 || name.includes('.embeddings.')) continue;
    const layer = name.slice(network.weights.length, -'.weight'.length);
    const layers = network === UNET ? [layer, ldm(`${layer}.weight`).replace(/\.weight$/, '')] : [layer, layer.replace(TEXT_MODEL, '')];
    for (const known of layers) for (const prefix of network.kohya) found.set(prefix + underscored(known), name);
    for (const known of layers) found.set(network.comfy + known, name);
    const dotted = network === UNET ? [layer, layer.replace(/\.to_out\.0$/, '.to_out')] : layers;
    for (const known of dotted) for (const prefix of network.dotted) found.set(prefix + known, name);
  }
  return found;
}
