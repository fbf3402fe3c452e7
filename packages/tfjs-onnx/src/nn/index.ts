export { conv2d } from './conv2d.ts';
export { linear } from './linear.ts';
export { groupNorm } from './group-norm.ts';
export { layerNorm } from './layer-norm.ts';
export { silu, gelu } from './activations.ts';
export { attention } from './attention.ts';
export { upsampleNearest2x } from './upsample.ts';
export { maxPool2d, avgPool2d } from './pool.ts';
export { embedding } from './embedding.ts';
