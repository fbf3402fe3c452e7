import fs from 'node:fs';
import path from 'node:path';
import { readJson, readSafetensors, type SafetensorsFile } from '@controllab/core-blocks';
import { BaseModelError } from '../errors.ts';
import { missingFile } from '../missing-file.ts';
import { adapterScale, metadataScale, PEFT_PREFIX, type LoraScale } from './peft-config.ts';

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
  /** Of a layer without an alpha of its own: by peft's config, in the file's metadata or beside it. */
  readonly scale: LoraScale;
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

/** Names of a LoRA's file in the folder that peft or diffusers saved it in. */
const IN_FOLDER = ['adapter_model.safetensors', 'pytorch_lora_weights.safetensors'];
/** peft's file of an adapter, whose config lies beside it. */
const ADAPTER = /^adapter_model.*\.safetensors$/;

/** The file of a LoRA, which its folder may name. @throws BaseModelError invalid-lora where there is none, saying what the folder has */
function fileOf(name: string): string {
  if (!fs.existsSync(name)) throw new BaseModelError('invalid-lora', missingFile('LoRA', name), { file: name });
  if (!fs.statSync(name).isDirectory()) return name;
  const files = fs.readdirSync(name).sort();
  const [file, another] = IN_FOLDER.filter((known) => files.includes(known));
  if (file !== undefined && another === undefined) return path.join(name, file);
  throw new BaseModelError(
    'invalid-lora',
    file === undefined
      ? `${name} holds neither ${IN_FOLDER.join(' nor ')} (it has ${files.slice(0, 20).join(', ') || 'nothing'}): name the LoRA's file.`
      : `${name} holds both ${file} and ${another}: name the one that is meant.`,
    { folder: name, files },
  );
}

/** The scale by the file's own metadata, or by peft's config beside it; without both the rank stands for alpha. */
function scaleOf({ file, metadata }: SafetensorsFile): LoraScale {
  const text = metadata['lora_adapter_metadata'];
  const config = path.join(path.dirname(file), 'adapter_config.json');
  let scale: LoraScale = () => null;
  if (text !== undefined) scale = metadataScale(`${file}: lora_adapter_metadata`, text);
  else if (ADAPTER.test(path.basename(file)) && fs.existsSync(config)) scale = adapterScale(config, readJson(config));
  return (layer, rank) => {
    const found = scale(layer, rank);
    // peft itself loads no adapter without its config.
    if (found === null && layer.startsWith(PEFT_PREFIX))
      throw new BaseModelError(
        'invalid-lora',
        `${file} has peft's names (${layer}), and nothing says its alpha: peft writes it into adapter_config.json, which belongs beside adapter_model.safetensors.`,
        { file, layer },
      );
    return found;
  };
}

/**
 * Opens a LoRA in kohya's, diffusers' or peft's names.
 * @param name the file, or the folder that peft or diffusers saved it in
 * @throws BaseModelError invalid-lora for adapters of another kind, by what they are called, for tensors that are no part of a LoRA, and
 * for configs that ask for what is not done
 */
export function openLora(name: string): LoraFile {
  const file = fileOf(name);
  const tensors = readSafetensors(file);
  const layers = new Map<string, LoraTensors>();
  const unknown: string[] = [];
  for (const tensor of tensors.names()) {
    const other = OTHERS.find(([pattern]) => pattern.test(tensor));
    if (other !== undefined)
      throw new BaseModelError(
        'invalid-lora',
        `${file} is ${other[1]}, which is not done (it has ${tensor}); a LoRA has lora_down and lora_up.`,
        { file, tensor },
      );
    const part = parse(tensor);
    if (part === null) unknown.push(tensor);
    else layers.set(part.layer, { ...layers.get(part.layer), [part.role]: tensor });
  }
  if (unknown.length > 0 || layers.size === 0)
    throw new BaseModelError(
      'invalid-lora',
      `${file} is no LoRA: ${unknown.length ? `${unknown[0]} is no part of one${unknown.length > 1 ? `, nor are ${unknown.length - 1} others` : ''}` : 'it holds no tensors'}.`,
      { file, unknown },
    );
  return { tensors, layers, scale: scaleOf(tensors) };
}
