export { ControlNetError, type ControlNetErrorCode } from './errors.ts';
export { connectingConv, type Connection } from './connection.ts';
export { HintEncoder } from './hint-encoder.ts';
export { ControlNetModel, controlNetSd15, controlNetSd21, initializeFromUNet, type ControlNetConfig, type ControlOptions } from './controlnet.ts';
export { ControlNetLite } from './controlnet-lite.ts';
export { addResiduals, guessModeWeights, resolutionWeights, scaleResiduals, toUNetResiduals, type ControlResiduals, type Strength } from './residuals.ts';
