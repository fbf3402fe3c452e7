import * as tf from '@tensorflow/tfjs';
import { isRecording, registerGradient, runKernel } from './dispatch.ts';

/**
 * Rows of a table, torch.nn.functional.embedding.
 * @param ids int32 [N, S], each in [0, V)
 * @param weight [V, C]
 * @returns [N, S, C]
 */
export function embedding(ids: tf.Tensor, weight: tf.Tensor): tf.Tensor3D {
  const rows = tf.cast(ids, 'int32');
  return isRecording() ? runKernel('nn.Embedding', { ids: rows, weight }) : (tf.gather(weight, rows) as tf.Tensor3D);
}

registerGradient('nn.Embedding', { inputs: ['ids', 'weight'] }, ([dy], [ids, weight]) => ({
  ids: () => tf.zerosLike(ids!),
  weight: () => runKernel('nn.EmbeddingGrad', { dy: dy!, ids: ids! }, { rows: weight!.shape[0] }),
}));
