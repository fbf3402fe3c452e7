/** What a file of weights is for, told by its tensors' names. */
export interface FileKind {
  readonly kind: 'checkpoint' | 'controlnet' | 'controlnext' | 'trained-control' | 'vae' | 'lora' | 'other';
  /** With its article: "a T2I-Adapter". */
  readonly words: string;
}

type Rule = readonly [pattern: RegExp, kind: FileKind['kind'], words: string];

/** The first that fits one of a file's names is its kind: what only one kind has comes first. */
const RULES: readonly Rule[] = [
  // Whatever its method's own layers are called; one that concatenates its condition as it is has no parameters but the U-Net's.
  [/^(control\.|unet\.conv_in\.weight$)/, 'trained-control', 'a control that was trained here'],
  [/^lora_controlnet$/, 'other', 'a Control-LoRA, which adds low-rank updates to a copy of the U-Net'],
  [/^lllite_/, 'other', 'a ControlNet-LLLite'],
  [
    /(^|\.)(task_embedding$|control_type_proj|spatial_ch_projs\.|control_add_embedding\.|transformer_layes\.)/,
    'other',
    'a ControlNet-Union, of several conditions in one',
  ],
  [/\.(hada|lokr)_[wt]\d|\.lora_(up|down|mid)\.|\.lora_[AB]\.|_lora\.(up|down)\.|\.lora\.(up|down)\.|lora_linear_layer/, 'lora', 'a LoRA'],
  [/^(adapter\.)?body\.\d+\.(resnets\.\d+\.)?block[12]\./, 'other', 'a T2I-Adapter'],
  [/^(image_proj|ip_adapter)\./, 'other', 'an IP-Adapter, which takes a picture as a prompt'],
  [/motion_modules\./, 'other', "a motion module (AnimateDiff), which makes video of an image model's U-Net"],
  [/^(string_to_param|emb_params|clip_[lg])$/, 'other', 'a textual inversion, which adds words to a text encoder'],
  [/(^|\.)(double_blocks|joint_blocks|single_transformer_blocks|x_embedder)\./, 'other', 'of a transformer (FLUX, Stable Diffusion 3)'],
  [
    /\.(quant_state|absmax|quant_map)(\.|$)|\.(weight_scale|scale_weight|input_scale|scale_input)$|(^|\.)scaled_fp8$/,
    'other',
    'of quantised weights, in whose place the fp16, bf16 or plain fp8 file is needed',
  ],
  [/^(control_model\.)?input_hint_block\.|(^|\.)controlnet_cond_embedding\./, 'controlnet', 'a ControlNet'],
  [/^(down_res|mid_convs)\.\d+\./, 'controlnext', "a ControlNeXt's module (controlnet.safetensors of its release)"],
  [/^model\.diffusion_model\..*time_stack\./, 'other', 'Stable Video Diffusion, which makes video'],
  [/^model\.diffusion_model\.input_blocks\./, 'checkpoint', 'a checkpoint'],
  [/^input_blocks\.0\.0\./, 'other', 'a U-Net alone, without text encoder'],
  [/^(down_blocks|up_blocks)\.\d+\./, 'other', "a U-Net alone, in diffusers' names: name the folder that it lies in"],
  [/^(first_stage_model\.)?(encoder|decoder)\.(down|up|mid)(_blocks?)?\./, 'vae', 'an autoencoder'],
  [/^(text_model\.|cond_stage_model\.|conditioner\.)/, 'other', 'a text encoder alone'],
];

/** What a file is for; null for names that no kind here has. */
export function fileKind(names: readonly string[]): FileKind | null {
  for (const [pattern, kind, words] of RULES) if (names.some((name) => pattern.test(name))) return { kind, words };
  return null;
}

/** Classes of diffusers' and transformers' configs that are no Stable Diffusion's, in words. */
const CLASSES: Readonly<Record<string, string>> = {
  UNetSpatioTemporalConditionModel: 'Stable Video Diffusion, which makes video',
  UNet3DConditionModel: 'a text-to-video model',
  UNetMotionModel: 'AnimateDiff, which makes video',
  FluxTransformer2DModel: 'FLUX',
  SD3Transformer2DModel: 'Stable Diffusion 3',
  AutoencoderTiny: 'a tiny autoencoder (TAESD)',
  AutoencoderKLTemporalDecoder: "Stable Video Diffusion's autoencoder",
  AsymmetricAutoencoderKL: 'an autoencoder for inpainting',
  ConsistencyDecoderVAE: "OpenAI's consistency decoder",
  T2IAdapter: 'a T2I-Adapter',
  MultiAdapter: 'several T2I-Adapters',
  ControlNetUnionModel: 'a ControlNet-Union, of several conditions in one',
  ControlNetXSAdapter: 'a ControlNet-XS',
  FluxControlNetModel: 'a ControlNet of FLUX',
  SD3ControlNetModel: 'a ControlNet of Stable Diffusion 3',
  SparseControlNetModel: 'a ControlNet of AnimateDiff',
  UNet2DConditionModel: 'the U-Net of a base model',
};

/** A config's class with what it is: `T2IAdapter (a T2I-Adapter)`. */
export const classInWords = (name: unknown): string =>
  Object.hasOwn(CLASSES, String(name)) ? `${String(name)} (${CLASSES[String(name)]})` : String(name).slice(0, 100);
