import { it } from 'vitest';
import { runKernelMany } from '../nn/dispatch.ts';
import { expectTensor, floats, results, type Case } from '../testing/cases.ts';

const LN3 = Math.log(3);
const on = { q: floats([1, 1, 1], [1]), k: floats([1, 2, 1], [0, LN3]), v: floats([1, 2, 1], [1, 5]) };

it('nn.Attention: the result, and for the gradient the weights and the result per head', async () => {
  const at = (i: number): Case => ({ f: (t) => runKernelMany('nn.Attention', t, { numHeads: 1, causal: false })[i]!, on });
  const found = await results({ y: at(0), weights: at(1), heads: at(2) });
  expectTensor(found['y'], [1, 1, 1], [4]);
  expectTensor(found['weights'], [1, 1, 1, 2], [0.25, 0.75]);
  expectTensor(found['heads'], [1, 1, 1, 1], [4]);
});

it('nn.AttentionGrad: through both products and the softmax', async () => {
  const given = { ...on, dy: floats([1, 1, 1], [1]), weights: floats([1, 1, 1, 2], [0.25, 0.75]), out: floats([1, 1, 1, 1], [4]) };
  const at = (i: number): Case => ({ f: (t) => runKernelMany('nn.AttentionGrad', t, { numHeads: 1, causal: false })[i]!, on: given });
  const found = await results({ q: at(0), k: at(1), v: at(2) });
  // Scores' gradients: 0.25 (1 - 4) and 0.75 (5 - 4).
  expectTensor(found['q'], [1, 1, 1], [0.75 * LN3]);
  expectTensor(found['k'], [1, 2, 1], [-0.75, 0.75]);
  expectTensor(found['v'], [1, 2, 1], [0.25, 0.75]);
});
