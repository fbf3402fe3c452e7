export { allocateCanny, canny, type CannyOptions, type CannyScratch } from './conditions/canny.ts';
export { canonicalJson, jsonDifference, jsonHash, type Json } from './canonical-json.ts';
export { openDataset, type Dataset, type DatasetReference, type Example } from './dataset.ts';
export { DataError, type DataErrorCode } from './errors.ts';
export type { RgbImage } from './image.ts';
export { conditionBatch, imageBatch, toImages, writeCondition, writeImage } from './planar.ts';
export { fillNormal, normal, permutation, randomBits, randomInt, uniform } from './random.ts';
export { writeAtomic } from './write-atomic.ts';
