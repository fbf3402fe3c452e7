export { COLOURS, colourOf } from './colours.ts';
export { fill50k, type CircleExample, type CircleSource, type CircleSpec, type Palette, type Wording } from './dataset.ts';
export { Fill50kError, type Fill50kErrorCode } from './errors.ts';
export { writeFill50k } from './write.ts';
