export { ControlNetError, type ControlNetErrorCode } from './errors.ts';
export { connectingConv, type Connection } from './connection.ts';
export { HintEncoder } from './hint-encoder.ts';
export {
  CONTROLNET_SCHEMA,
  ControlNetModel,
  ControlNetSpatioTemporalModel,
  controlNetSd15,
  controlNetSd21,
  controlNetSdxl,
  controlNetSvd,
  initializeFromUNet,
  type ConnectionOptions,
  type ControlNetConfig,
  type ControlNetSpatioTemporalConfig,
  type ControlOptions,
} from './controlnet.ts';
export { cldm, type CldmConfig } from './cldm-layout.ts';
export { ControlNetLite } from './controlnet-lite.ts';
export { ControlNetMlp } from './controlnet-mlp.ts';
export { ControlLora } from './control-lora.ts';
export { ControlNetXs, type ControlNetXsConfig } from './controlnet-xs.ts';
export { PitiEncoder } from './piti-encoder.ts';
export { T2iAdapter, type T2iAdapterConfig } from './t2i-adapter.ts';
export { controlLora } from './methods/control-lora-method.ts';
export { controlNet, controlOfModel, type ControlNetChoices } from './methods/controlnet-method.ts';
export { controlNetLite } from './methods/controlnet-lite-method.ts';
export { controlNetMlp } from './methods/controlnet-mlp-method.ts';
export { controlNetXs } from './methods/controlnet-xs-method.ts';
export { hintWidths } from './methods/hint-widths.ts';
export { ldmConcatenation, type ConcatenationChoices } from './methods/ldm-concatenation.ts';
export { piti } from './methods/piti-method.ts';
export { t2iAdapter } from './methods/t2i-adapter-method.ts';
export { guessModeWeights, resolutionWeights, scaleResiduals, toUNetResiduals, type ControlResiduals, type Strength } from './residuals.ts';
