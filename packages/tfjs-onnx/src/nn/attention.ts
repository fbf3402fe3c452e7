import * as tf from '@tensorflow/tfjs';
import { TfjsOnnxError } from '../errors.ts';
import { inScope } from '../scope.ts';
import { showShape } from '../types.ts';
import { isRecording, registerGradient, runKernelMany, sharedGradient } from './dispatch.ts';

/** What softmax treats as minus infinity; a true -Infinity would make 0 * -Infinity = NaN in gradients. */
export const MASKED = -1e9;

/** [T, S] of 0 where key s may be seen by query t (s <= t), MASKED elsewhere. */
export function causalMask(t: number, s: number): Float32Array {
  return Float32Array.from({ length: t * s }, (_, i) => (i % s <= Math.floor(i / s) ? 0 : MASKED));
}

/**
 * Multi-head attention, softmax(q k^T / sqrt(d)) v per head.
 * @param q [N, T, heads * d]
 * @param k [N, S, heads * d]
 * @param v [N, S, heads * d]
 * @returns [N, T, heads * d]
 * @throws shape-mismatch
 */
export function attention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  numHeads: number,
  { causal = false }: { causal?: boolean } = {},
): tf.Tensor3D {
  const [n, t, c] = q.shape as [number, number, number];
  const s = k.shape[1] as number;
  if (
    q.rank !== 3 ||
    k.rank !== 3 ||
    !(numHeads >= 1) ||
    c % numHeads !== 0 ||
    k.shape[0] !== n ||
    k.shape[2] !== c ||
    !tf.util.arraysEqual(k.shape, v.shape)
  ) {
    throw new TfjsOnnxError(
      'shape-mismatch',
      `nn.attention: expected q [N, T, C], k and v [N, S, C] with C divisible by ${numHeads} heads; got q ${showShape(q.shape)}, k ${showShape(k.shape)}, v ${showShape(v.shape)}${inScope()}`,
      { op: 'nn.attention', q: q.shape, k: k.shape, v: v.shape, numHeads },
    );
  }
  if (isRecording()) return runKernelMany('nn.Attention', { q, k, v }, { numHeads, causal })[0] as tf.Tensor3D;
  const d = c / numHeads;
  const heads = (x: tf.Tensor, length: number): tf.Tensor4D => tf.transpose(tf.reshape(x, [n, length, numHeads, d]), [0, 2, 1, 3]);
  const scores = tf.mul(tf.matMul(heads(q, t), heads(k, s), false, true), 1 / Math.sqrt(d));
  const weights = tf.softmax(causal ? tf.add(scores, tf.tensor(causalMask(t, s), [t, s])) : scores);
  return tf.reshape(tf.transpose(tf.matMul(weights, heads(v, s)), [0, 2, 1, 3]), [n, t, c]);
}

registerGradient('nn.Attention', { inputs: ['q', 'k', 'v'], outputs: [false, true, true] }, ([dy], [q, k, v, weights, out], attributes) => {
  const at = sharedGradient('nn.AttentionGrad', { dy: dy!, q: q!, k: k!, v: v!, weights: weights!, out: out! }, attributes);
  return { q: () => at(0), k: () => at(1), v: () => at(2) };
});
