import './elementwise.ts';
import './shape.ts';
import './reduce.ts';
import './matmul.ts';
import './gather.ts';
import './conv.ts';
import './tfjs-conv.ts';
import './linear.ts';
import './norm.ts';
import './attention.ts';
import './upsample.ts';
import './upsampled-conv.ts';
import './pool.ts';
import './adamw.ts';
import './after.ts';

export { OPS, providers, type Lowering, type OpDefinition, type Provider } from './definition.ts';
export { upsampledConvolution } from './upsampled-conv.ts';
