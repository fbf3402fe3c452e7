export { ControlNeXtError, type ControlNeXtErrorCode } from './errors.ts';
export { adaptiveAveragePool } from './adaptive-pool.ts';
export { crossNormalize, type CrossNormalization } from './cross-normalization.ts';
export { CONTROLNEXT_MODULES, ControlNeXtModel, type ControlNeXtConfig, type ControlNeXtOutput } from './controlnext.ts';
export { controlNeXt, type ControlNeXtChoices } from './methods/controlnext-method.ts';
export { CONTROLNEXT_INJECTIONS, injectControl, type ControlNeXtInjection } from './injection.ts';
export { TRAINABLE_PATTERNS } from './selective-training.ts';
export { applyIncrements, weightIncrements } from './increments.ts';
