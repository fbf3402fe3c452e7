import { readSafetensors, readTorchFile } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { MetricsError } from '../errors.ts';

/** An aesthetic predictor: an affine map of a CLIP image embedding of length 1. */
export interface AestheticHead {
  /** As it stands in a score's name. */
  readonly name: string;
  readonly weight: Float64Array;
  readonly bias: number;
  /** The CLIP whose embeddings it was trained on, where that is known. */
  readonly backbone?: string;
}

/** The CLIP behind both of LAION's heads, OpenAI's. */
const LAION_BACKBONE = 'ViT-L/14';

/** LAION's second head: linear layers of these indices (between them lie dropouts, no activations). */
const V2_LAYERS = [0, 2, 4, 6, 7];

/** How many tensors that do not fit a message names. */
const NAMED = 8;

/**
 * LAION's aesthetic predictor from its state dict: version 1 is one linear layer (`weight`, `bias`), version 2 five without activations
 * (`layers.0` to `layers.7`), which are one affine map too; their product is taken in float64.
 * Source: LAION-AI/aesthetic-predictor; christophschuhmann/improved-aesthetic-predictor.
 * @throws MetricsError weights-mismatch naming what is missing, unexpected or does not fit
 */
export function aestheticHead(tensors: Readonly<Record<string, HostTensor>>): AestheticHead {
  const version = 'weight' in tensors ? 1 : 2;
  const layers = version === 1 ? [''] : V2_LAYERS.map((i) => `layers.${i}.`);
  const known = layers.flatMap((layer) => [`${layer}weight`, `${layer}bias`]);
  const fail = (message: string): MetricsError =>
    new MetricsError('weights-mismatch', `this is no LAION aesthetic predictor, version ${version}: ${message}`, {
      names: Object.keys(tensors),
    });
  const missing = known.filter((name) => !(name in tensors));
  const unexpected = Object.keys(tensors).filter((name) => !known.includes(name));
  const problems = [...missing.map((name) => `missing ${name}`), ...unexpected.map((name) => `unexpected ${name}`)];
  if (problems.length > 0)
    throw fail(`${problems.slice(0, NAMED).join(', ')}${problems.length > NAMED ? ` and ${problems.length - NAMED} more` : ''}`);

  // From the last layer to the first: y = w (W x + b) + c is (w W) x + (w b + c).
  let weight = Float64Array.of(1);
  let bias = 0;
  for (const layer of layers.toReversed()) {
    const [{ data, shape }, offset] = [tensors[`${layer}weight`]!, tensors[`${layer}bias`]!];
    const [out, width = 0] = shape;
    if (shape.length !== 2 || out !== weight.length || offset.shape.join() !== String(out)) {
      throw fail(
        `${layer}weight is [${shape.join(', ')}] and ${layer}bias [${offset.shape.join(', ')}], expected [${weight.length}, D] and [${weight.length}]`,
      );
    }
    const product = new Float64Array(width);
    for (let o = 0; o < out; o++) {
      bias += weight[o]! * offset.data[o]!;
      for (let i = 0; i < width; i++) product[i]! += weight[o]! * data[o * width + i]!;
    }
    weight = product;
  }
  if (!Number.isFinite(bias) || !weight.every(Number.isFinite)) throw fail('it holds NaN or infinities');
  return { name: `LAION aesthetic v${version}`, weight, bias, backbone: LAION_BACKBONE };
}

/**
 * LAION's aesthetic predictor from its published file (a `.pth` that torch.save wrote) or from a .safetensors file of the same names.
 * @throws MetricsError weights-mismatch; CoreBlocksError invalid-file
 */
export async function readAestheticHead(file: string): Promise<AestheticHead> {
  const tensors = file.endsWith('.safetensors') ? safetensors(file) : await readTorchFile(file);
  try {
    return aestheticHead(tensors);
  } catch (error) {
    throw error instanceof MetricsError ? new MetricsError(error.code, `${file}: ${error.message}`, { file, ...error.values }) : error;
  }
}

function safetensors(file: string): Record<string, HostTensor> {
  const opened = readSafetensors(file);
  return Object.fromEntries(opened.names().map((name) => [name, opened.tensor(name)]));
}
