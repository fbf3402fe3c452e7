export { CoreBlocksError, type CoreBlocksErrorCode } from './errors.ts';
export { Module, Parameter, countParameters, initialize, parameterSpecs, withParameters, type Init, type Modules } from './module.ts';
export { Conv2d, Embedding, GroupNorm, LayerNorm, Linear, ZERO_INIT, type LayerInit } from './layers/layers.ts';
export { Lora } from './layers/lora.ts';
export { ACTIVATIONS, type Activation } from './layers/activation.ts';
export { TimestepEmbedding, timestepEmbedding, type SinusoidOptions } from './layers/timestep.ts';
export { ResnetBlock2D, type ResnetOptions } from './layers/resnet.ts';
export { averageHalf } from './layers/resize.ts';
export { Downsample2D, Upsample2D } from './layers/sampling.ts';
export { Attention, BasicTransformerBlock, SpatialAttention, toTokens, Transformer2DModel } from './layers/attention.ts';
export { pixelShuffle, pixelUnshuffle } from './layers/pixel-shuffle.ts';
export { stopGradient } from './layers/stop-gradient.ts';
export { FeedForward } from './layers/feed-forward.ts';
export { repeatRows, SpatioTemporalResBlock, TransformerSpatioTemporalModel } from './layers/spatio-temporal.ts';
export { DownBlock, MidBlock, UpBlock, type AttentionOptions, type BlockOptions, type Conditions } from './unet/blocks.ts';
export { ENCODER_KEYS, INERT_KEYS, SPATIO_TEMPORAL_KEYS, UNET_SCHEMA, VIDEO_UNET_SCHEMA } from './unet/config-keys.ts';
export type { ConfigSchema } from './config.ts';
export * as rules from './config-rules.ts';
export { UNetEncoder, type AddedConditions, type ConditionOptions } from './unet/encoder.ts';
export {
  encoderOf,
  UNet2DConditionModel,
  UNetSpatioTemporalConditionModel,
  type UNet2DConditionConfig,
  type UNetOptions,
  type UNetResiduals,
  type UNetSpatioTemporalConditionConfig,
} from './unet/unet.ts';
export {
  SD15_ENCODER,
  SD15_UNET,
  SD21_ENCODER,
  SD21_UNET,
  SDXL_ENCODER,
  SDXL_UNET,
  SVD_ENCODER,
  SVD_UNET,
  sd15,
  sd15Inpaint,
  sd21,
  sd2Depth,
  sdxl,
  sdxlRefiner,
  svd,
} from './unet/presets.ts';
export { isUNetBlock } from './unet/recompute.ts';
export type { Companion, EncoderPlace } from './unet/companion.ts';
export { repeatTokens } from './unet/context.ts';
export { channelsAt, type Injection, type InjectionPoint } from './unet/injection.ts';
export {
  baseModules,
  conditionSpec,
  controlOptions,
  featureStrength,
  type Control,
  type ControlledOptions,
  type ControlStrength,
  type ControlTarget,
  type Denoiser,
  type LatentEncoder,
  type LatentSize,
  type Method,
  type TextEncoder,
  type Weights,
} from './control.ts';
export {
  encoderStates,
  resolveEncoder,
  resolveSpatioTemporalEncoder,
  type ResolvedEncoder,
  type SpatioTemporalEncoderConfig,
  type UNetEncoderConfig,
} from './unet/config.ts';
export {
  AUTOENCODER_SCHEMA,
  AutoencoderKL,
  AutoencoderKLTemporalDecoder,
  VIDEO_AUTOENCODER_SCHEMA,
  vaeSd,
  vaeSdxl,
  vaeSvd,
  type AutoencoderKLConfig,
  type AutoencoderKLTemporalDecoderConfig,
} from './autoencoder/vae.ts';
export { VQModel, VQ_SCHEMA, type Quantised, type VQModelConfig } from './autoencoder/vq-model.ts';
export { CodeTransformer, type CodeTransformerConfig } from './autoregressive/code-transformer.ts';
export { TextTransformer, clipTextSd15, clipTextSd21, type TextStates, type TextTransformerConfig } from './clip/text-transformer.ts';
export { patternProblem, tokenizerProblem } from './clip/tokenizer-problem.ts';
export { ClipModel, withoutGeneration, type ClipConfig } from './clip/clip.ts';
export { clipVitB16, clipVitB32, clipVitL14, clipVitL14At336 } from './clip/presets.ts';
export { openaiClip, openaiClipConfig, type ClipActivation, type OpenaiClipConfig } from './clip/openai.ts';
export { ClipTextTower, clipTextBigG, type ClipTextConfig } from './clip/text-tower.ts';
export { ClipVisionTower, clipVisionH14, type ClipVisionConfig } from './clip/vision-tower.ts';
export { SafetensorsFile, readSafetensors, verifySafetensors } from './checkpoints/safetensors/safetensors.ts';
export type { SafetensorsDtype, SafetensorsEntry } from './checkpoints/safetensors/header.ts';
export { decodeBfloat16, decodeFloat16 } from './checkpoints/floats.ts';
export { readConstant } from './checkpoints/read-constant.ts';
export { writeSafetensors, type Float64Tensor } from './checkpoints/safetensors/write.ts';
export { readTorchFile } from './checkpoints/torch/torch-file.ts';
export { externalStateDict, loadStateDict } from './checkpoints/state-dict.ts';
export type { TensorSource } from './checkpoints/tensor-source.ts';
export { foreignFile } from './checkpoints/foreign-file.ts';
export { parseObject } from './checkpoints/json-text.ts';
export { readJson } from './checkpoints/read-json.ts';
export { openWeights } from './checkpoints/checkpoint-directory.ts';
export { inLayout, type Layout, type Stored } from './checkpoints/layouts/layout.ts';
export { ldmBlockName, ldmText, ldmUNet, ldmVae, transformersText, vaeFile, type BlockLayout } from './checkpoints/layouts/ldm-layout.ts';
export { referenceBlocks } from './reference/blocks.ts';
export { referenceLayers } from './reference/layers.ts';
