import type * as tf from '@tensorflow/tfjs';
import { withParameters, type TextStates } from '@controllab/core-blocks';
import { compile, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import { ExperimentError } from '../runner/errors.ts';
import type { DiffusionModel, TextEncoder } from './open-model.ts';

/** Prompts as the U-Net takes them; one row a prompt. */
export interface EncodedPrompts {
  /** [N, S, D] */
  context: HostTensor;
  /** SDXL's pooled embedding [N, P]. */
  pooled: HostTensor | null;
}

/** Runs one text encoder and lets go of its weights. */
async function runEncoder(
  { module, weights, tokenize }: TextEncoder,
  prompts: readonly string[],
  xl: boolean,
  options: CompileOptions,
  log: (message: string) => void,
): Promise<EncodedPrompts> {
  const { max_position_embeddings: context, vocab_size: vocabulary } = module.config;
  const ids = new Int32Array(prompts.length * context);
  for (const [n, prompt] of prompts.entries()) {
    const tokens = tokenize(prompt, context);
    const largest = Math.max(...tokens.ids);
    if (largest >= vocabulary)
      throw new ExperimentError(
        'invalid-model',
        `The tokenizer gives id ${largest}, the text encoder knows ${vocabulary}: they do not belong together.`,
        { largest, vocabulary },
      );
    if (tokens.cut > 0) log(`the text encoder reads ${context - 2} tokens; the last ${tokens.cut} of a prompt are cut off`);
    ids.set(tokens.ids, n * context);
  }
  const encoder = await compile(
    ({ inputs, constants }) =>
      withParameters(module, constants, () => {
        const { states, penultimate, embeds }: TextStates & { embeds?: tf.Tensor } = module.encode(inputs['ids']!);
        return { outputs: { context: xl ? penultimate : states, ...(embeds ? { pooled: embeds } : {}) } };
      }),
    { inputs: { ids: { shape: [prompts.length, context], dtype: 'int32' } }, constants: weights },
    { ...options, name: 'text encoder' },
  );
  const outputs = await encoder.run({ ids: { data: ids, shape: [prompts.length, context] } });
  await encoder.release();
  return { context: outputs['context']!, pooled: outputs['pooled'] ?? null };
}

/** Joins states of two encoders along the last dimension. */
function concatenate(a: HostTensor, b: HostTensor): HostTensor {
  const [n, s, da] = a.shape as [number, number, number];
  const db = b.shape[2] as number;
  const data = new Float32Array(n * s * (da + db));
  for (let row = 0; row < n * s; row++) {
    data.set(a.data.subarray(row * da, (row + 1) * da), row * (da + db));
    data.set(b.data.subarray(row * db, (row + 1) * db), row * (da + db) + da);
  }
  return { data, shape: [n, s, da + db] };
}

const zeroFirstRow = ({ data, shape }: HostTensor): HostTensor => ({
  data: Float32Array.from(data).fill(0, 0, data.length / shape[0]!),
  shape,
});

/**
 * Text to what the U-Net cross-attends to: with guidance two rows, the negative prompt first. SD1 and SD2 take the last hidden state behind
 * the final layer norm, SDXL both encoders' last but one side by side.
 * @throws ExperimentError invalid-model when tokenizer and text encoder do not fit
 */
export async function encodePrompts(
  { textEncoders, xl, zeroEmptyPrompt }: DiffusionModel,
  { prompt, negativePrompt, guidance }: { prompt: string; negativePrompt: string | null; guidance: boolean },
  options: CompileOptions,
  log: (message: string) => void,
): Promise<EncodedPrompts> {
  const prompts = guidance ? [negativePrompt ?? '', prompt] : [prompt];
  const parts: EncodedPrompts[] = [];
  for (const encoder of textEncoders) parts.push(await runEncoder(encoder, prompts, xl, options, log));
  const [first, second] = parts as [EncodedPrompts, EncodedPrompts?];
  const encoded = second ? { context: concatenate(first.context, second.context), pooled: second.pooled } : first;
  if (!guidance || negativePrompt !== null || !zeroEmptyPrompt) return encoded;
  return { context: zeroFirstRow(encoded.context), pooled: encoded.pooled && zeroFirstRow(encoded.pooled) };
}
