import * as tf from '@tensorflow/tfjs';
import { adamw, compile, nn, scalar, valueAndGrads } from '@controllab/tfjs-onnx';

const tensor = (shape: number[], f: () => number) => ({ data: Float32Array.from({ length: tf.util.sizeFromShape(shape) }, f), shape });
const weight = (...shape: number[]) => tensor(shape, () => Math.random() - 0.5);
const zero = (...shape: number[]) => tensor(shape, () => 0);

// One hidden layer that learns sin(x): every parameter p (PyTorch's layout, [out, in]) and its AdamW moments m and v.
const names = ['w1', 'b1', 'w2', 'b2'];
const start = {
  'p.w1': weight(32, 1), 'p.b1': weight(32), 'p.w2': weight(1, 32), 'p.b2': weight(1),
  'm.w1': zero(32, 1), 'm.b1': zero(32), 'm.w2': zero(1, 32), 'm.b2': zero(1),
  'v.w1': zero(32, 1), 'v.b1': zero(32), 'v.w2': zero(1, 32), 'v.b2': zero(1),
};

const step = await compile(
  ({ inputs, state }) => {
    const pick = (kind: string) => Object.fromEntries(names.map((name) => [name, state[kind + name]!]));
    const put = (kind: string, of: tf.NamedTensorMap) => Object.fromEntries(names.map((name) => [kind + name, of[name]!]));
    const params = pick('p.');
    const { value: loss, grads } = valueAndGrads(() => {
      const hidden = nn.silu(nn.linear(inputs.x!, params.w1!, params.b1!));
      return tf.mean(tf.squaredDifference(nn.linear(hidden, params.w2!, params.b2!), inputs.y!));
    }, params);
    const schedule = { learningRate: inputs.lr as tf.Scalar, biasCorrection1: inputs.c1 as tf.Scalar, biasCorrection2: inputs.c2 as tf.Scalar };
    const next = adamw(params, grads, pick('m.'), pick('v.'), schedule);
    return { outputs: { loss }, state: { ...put('p.', next.params), ...put('m.', next.m), ...put('v.', next.v) } };
  },
  { inputs: { x: { shape: [64, 1] }, y: { shape: [64, 1] }, lr: { shape: [] }, c1: { shape: [] }, c2: { shape: [] } }, state: start },
);

step.state = start;
for (let t = 1; t <= 1000; t++) {
  const x = tensor([64, 1], () => 6 * Math.random() - 3);
  const y = { ...x, data: x.data.map(Math.sin) };
  // Whatever changes from step to step is an input: a number that JavaScript computes while tracing is frozen into the graph.
  const { loss } = await step.run({ x, y, lr: scalar(1e-2), c1: scalar(1 / (1 - 0.9 ** t)), c2: scalar(1 / (1 - 0.999 ** t)) });
  if (t === 1 || t % 250 === 0) console.log(`step ${t}: loss ${loss!.data[0]!.toExponential(1)}`);
}
await step.release();
