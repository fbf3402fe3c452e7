import type * as tf from '@tensorflow/tfjs';
import type { Conditions } from './blocks.ts';

/** Where in a U-Net's encoder its companion is asked. */
export interface EncoderPlace {
  /** Which of `encoderStates` the features are, 0 behind conv_in; as many as there are of them behind the middle block. */
  readonly state: number;
  /** What went into the layers that gave them, [N, C', h', w']: the sample for conv_in. */
  readonly input: tf.Tensor;
  /** What those layers saw beside it. */
  readonly conditions: Conditions;
}

/**
 * A network that runs beside a U-Net, state by state: it sees what goes into each of the encoder's layers and may change what comes out,
 * which the skips carry then; and it may change what goes into the decoder's. What T2I-Adapter adds to the encoder and ControlNet-XS's
 * exchange with it in both directions are companions. Without one every network is what it was.
 */
export interface Companion {
  /** The features `x: [N, C, h, w]` at a place of the encoder, to others of the same shape. Asked once at every place, in their order. */
  encoded(x: tf.Tensor, place: EncoderPlace): tf.Tensor;
  /** The features in front of the decoder's residual block that takes skip `state`, before it is joined to them. Asked last. */
  decoding?(x: tf.Tensor, state: number): tf.Tensor;
}
