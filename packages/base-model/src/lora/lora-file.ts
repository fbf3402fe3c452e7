import { readSafetensors, type SafetensorsFile } from '@controllab/core-blocks';
import { BaseModelError } from '../errors.ts';

/** What a file holds for one layer: names of its tensors. */
export interface LoraTensors {
  down?: string;
  up?: string;
  /** Of a convolution that was split in three (LoCon). */
  mid?: string;
  alpha?: string;
}

/** An opened LoRA file: its layers by the names that it gives them. */
export interface LoraFile {
  readonly tensors: SafetensorsFile;
  readonly layers: ReadonlyMap<string, LoraTensors>;
  /** What a layer's update is multiplied by, from peft's config in the metadata; null where the tensors alone say it. */
  scale(layer: string, rank: number): number | null;
}

/** Adapters of another kind, by what their tensors are called. */
const OTHERS: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [/\.hada_[wt]\d/, 'a LoHa (Hadamard products)'],
  [/\.lokr_[wt]\d/, 'a LoKr (Kronecker products)'],
  [/\.dora_scale$|\.lora_magnitude_vector(\.|$)/, 'a DoRA (weights divided by their norm)'],
  [/\.oft_(blocks|diag)|\.oft_R\./, 'an OFT (orthogonal matrices)'],
  [/\.on_input$/, 'an IA3'],
  [/\.[ab][12]\.weight$/, 'a GLoRA'],
  [/\.diff(_b)?$|\.[wb]_norm$/, 'one with whole differences of weights (LyCORIS "full" or trained norms)'],
  [/\.lora_B(\.\w+)?\.bias$/, 'a LoRA with biases'],
  [/^bundle_emb\./, 'a LoRA with textual inversions'],
  [
    /^(lora_transformer_|transformer\.|lora_unet_(double|single)_blocks_|lora_te3_|diffusion_model\.(double|single|joint)_blocks)/,
    'a LoRA of a transformer (FLUX, SD3)',
  ],
];

/** In a U-Net of diffusers the attention's processor once held the factors. */
const PROCESSOR_LAYERS: Readonly<Record<string, { unet: string; text: string }>> = {
  to_q: { unet: 'to_q', text: 'q_proj' },
  to_k: { unet: 'to_k', text: 'k_proj' },
  to_v: { unet: 'to_v', text: 'v_proj' },
  to_out: { unet: 'to_out.0', text: 'out_proj' },
};

const PROCESSOR = /^(.+)\.(to_(?:q|k|v|out))_lora\.(down|up)\.weight$/;
/** `lora_down` (kohya), `lora.down` and `lora_linear_layer.down` (diffusers), `lora_A` and `lora_A.default` (peft). */
const FACTOR = /^(.+)\.(?:lora_(down|up|mid)|lora(?:_linear_layer)?\.(down|up)|lora_(A|B)(?:\.\w+)?)\.weight$/;
const ALPHA = /^(.+)\.alpha$/;
const ROLES = { down: 'down', up: 'up', mid: 'mid', A: 'down', B: 'up' } as const;

/** The layer and the part of it that a tensor's name says; null: neither. */
function parse(name: string): { layer: string; role: keyof LoraTensors } | null {
  const plain = name.replace('.processor.', '.');
  const [, inside, projection, direction] = PROCESSOR.exec(plain) ?? [];
  if (projection !== undefined) {
    const known = PROCESSOR_LAYERS[projection]!;
    const layer = inside!.includes('self_attn') ? known.text : known.unet;
    return { layer: `${inside}.${layer}`, role: ROLES[direction as 'down' | 'up'] };
  }
  const [, layer, kohya, diffusers, peft] = FACTOR.exec(plain) ?? [];
  if (layer !== undefined) return { layer, role: ROLES[(kohya ?? diffusers ?? peft) as keyof typeof ROLES] };
  const alpha = ALPHA.exec(plain)?.[1];
  return alpha === undefined ? null : { layer: alpha, role: 'alpha' };
}

/** peft's config of each network, which diffusers writes into the metadata: alpha, and the layers where it is another. */
function metadataScale(file: string, metadata: Readonly<Record<string, string>>): LoraFile['scale'] {
  const text = metadata['lora_adapter_metadata'];
  if (text === undefined) return () => null;
  const refuse = (message: string): never => {
    throw new BaseModelError('invalid-lora', `${file}: lora_adapter_metadata ${message}`, { file });
  };
  let config: Record<string, unknown>;
  try {
    config = Object(JSON.parse(text)) as Record<string, unknown>;
  } catch (error) {
    return refuse(`is not JSON: ${(error as Error).message}`);
  }
  for (const [key, value] of Object.entries(config))
    if (/\.?use_dora$/.test(key) && value === true) refuse('says DoRA, which is not done.');
  const number = (value: unknown, key: string): number =>
    typeof value === 'number' && Number.isFinite(value) ? value : refuse(`has ${JSON.stringify(value)} for ${key}, expected a number.`);
  return (layer, rank) => {
    const prefix = ['unet.', 'text_encoder.', 'text_encoder_2.'].find((known) => layer.startsWith(known)) ?? '';
    const of = (key: string): unknown => config[prefix + key];
    if (of('lora_alpha') === undefined) return null;
    const own = Object.entries(Object(of('alpha_pattern')) as Record<string, unknown>).find(([pattern]) => layer.endsWith(pattern));
    const alpha = own ? number(own[1], `alpha_pattern.${own[0]}`) : number(of('lora_alpha'), 'lora_alpha');
    return alpha / (of('use_rslora') === true ? Math.sqrt(rank) : rank);
  };
}

/**
 * Opens a LoRA in kohya's, diffusers' or peft's names.
 * @throws BaseModelError invalid-lora for adapters of another kind, by what they are called, and for tensors that are no part of a LoRA
 */
export function openLora(file: string): LoraFile {
  const tensors = readSafetensors(file);
  const layers = new Map<string, LoraTensors>();
  const unknown: string[] = [];
  for (const name of tensors.names()) {
    const other = OTHERS.find(([pattern]) => pattern.test(name));
    if (other !== undefined)
      throw new BaseModelError(
        'invalid-lora',
        `${file} is ${other[1]}, which is not done (it has ${name}); a LoRA has lora_down and lora_up.`,
        {
          file,
          tensor: name,
        },
      );
    const part = parse(name);
    if (part === null) unknown.push(name);
    else layers.set(part.layer, { ...layers.get(part.layer), [part.role]: name });
  }
  if (unknown.length > 0 || layers.size === 0)
    throw new BaseModelError(
      'invalid-lora',
      `${file} is no LoRA: ${unknown.length ? `${unknown[0]} is no part of one${unknown.length > 1 ? `, nor are ${unknown.length - 1} others` : ''}` : 'it holds no tensors'}.`,
      { file, unknown },
    );
  return { tensors, layers, scale: metadataScale(file, tensors.metadata) };
}
