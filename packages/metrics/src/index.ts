export { borderColour, nearestColour, type Rgb } from './background-colour.ts';
export { edgeF1, type EdgeAgreement } from './edge-f1.ts';
export { MetricsError, type MetricsErrorCode } from './errors.ts';
export { resample, type RasterSize, type ResampleFilter } from './resample.ts';
export { readTorchFile } from './torch-file.ts';
