import * as tf from '@tensorflow/tfjs';
import { adamw, compile, nn, scalar, valueAndGrads } from '@controllab/tfjs-onnx';

const tensor = (shape: [number, number], f: (i: number) => number) => ({
  data: Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => f(i)),
  shape,
});
const scalars = { lr: { shape: [] }, c1: { shape: [] }, c2: { shape: [] } };
const start = { w: tensor([1, 3], () => 0), m: tensor([1, 3], () => 0), v: tensor([1, 3], () => 0) };

// One training step of y = x W^T: loss, gradient by the tape, AdamW. It is recorded once and runs as one native call.
const step = await compile(
  ({ inputs: { x, y, lr, c1, c2 }, state: { w, m, v } }) => {
    const { value: loss, grads } = valueAndGrads(() => tf.mean(tf.squaredDifference(nn.linear(x!, w!, null), y!)), { w: w! });
    const schedule = { learningRate: lr as tf.Scalar, biasCorrection1: c1 as tf.Scalar, biasCorrection2: c2 as tf.Scalar };
    const next = adamw({ w: w! }, grads, { w: m! }, { w: v! }, schedule, { weightDecay: 0 });
    return { outputs: { loss }, state: { w: next.params.w!, m: next.m.w!, v: next.v.w! } };
  },
  { inputs: { x: { shape: [64, 3] }, y: { shape: [64, 1] }, ...scalars }, state: start },
);

step.state = start;
for (let t = 1; t <= 400; t++) {
  const x = tensor([64, 3], () => Math.random() - 0.5);
  const y = tensor([64, 1], (i) => x.data[3 * i]! - 2 * x.data[3 * i + 1]! + 3 * x.data[3 * i + 2]!);
  const { loss } = await step.run({ x, y, lr: scalar(0.05), c1: scalar(1 / (1 - 0.9 ** t)), c2: scalar(1 / (1 - 0.999 ** t)) });
  if (t % 100 === 0)
    console.log(
      `step ${t}: loss ${loss!.data[0]!.toExponential(1)}, weights ${[...step.state.w!.data].map((w) => w.toFixed(2)).join(' ')}`,
    );
}
await step.release();
