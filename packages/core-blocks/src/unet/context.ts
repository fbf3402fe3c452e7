import * as tf from '@tensorflow/tfjs';
import { CoreBlocksError } from '../errors.ts';

/**
 * A context `[N, S, D]` as one of so many tokens, a multiple k S of its own: every token is there k times, so that attention over it gives
 * what it gave (weights are shared out among the copies).
 * @throws CoreBlocksError invalid-input for a number that is no multiple
 */
export function repeatTokens(context: tf.Tensor, tokens: number): tf.Tensor {
  const own = context.shape[1] as number;
  if (tokens % own !== 0)
    throw new CoreBlocksError('invalid-input', `context: expected a multiple of the text's ${own} tokens, got ${tokens}`, { own, tokens });
  return tokens === own ? context : tf.tile(context, [1, tokens / own, 1]);
}
