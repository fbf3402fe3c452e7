import * as tf from '@tensorflow/tfjs';

/** What `f` computes, as a constant through which no gradient passes: torch's `detach`. Its tensor may be of integers. */
export const stopGradient = (f: () => tf.Tensor): tf.Tensor => tf.customGrad(() => ({ value: f(), gradFunc: () => [] }))();
