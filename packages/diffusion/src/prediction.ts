/** What the network predicts: the noise, v = sqrt(abar) noise - sqrt(1 - abar) x0 ("Progressive distillation", section 4), or x0 itself. */
export type Prediction = 'epsilon' | 'v' | 'sample';

/**
 * The pair (x0, noise) that a prediction at x_t stands for; all arrays have one length.
 * With x_t = sqrt(abar) x0 + sqrt(1 - abar) noise any two of x0, noise and v give the third.
 */
export function splitPrediction(
  prediction: Prediction,
  output: Float32Array,
  x: Float32Array,
  alphaCumprod: number,
): { x0: Float32Array; noise: Float32Array } {
  const a = Math.sqrt(alphaCumprod);
  const s = Math.sqrt(1 - alphaCumprod);
  const x0 = new Float32Array(x.length);
  const noise = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const o = output[i]!;
    switch (prediction) {
      case 'epsilon':
        x0[i] = (x[i]! - s * o) / a;
        noise[i] = o;
        break;
      case 'v':
        x0[i] = a * x[i]! - s * o;
        noise[i] = a * o + s * x[i]!;
        break;
      case 'sample':
        x0[i] = o;
        noise[i] = (x[i]! - a * o) / s;
        break;
    }
  }
  return { x0, noise };
}
