import { it } from 'vitest';
import { runKernel } from '../nn/dispatch.ts';
import { expectTensor, floats, ramp, results, type Case } from '../testing/cases.ts';

const kernel = (name: string, attributes: Record<string, unknown>, on: Case['on']): Case => ({
  f: (t) => runKernel(name, t, attributes),
  on,
});
const diagonal = floats([1, 1, 2, 2], [1, 0, 0, 1]);
const NONE = [0, 0, 0, 0];

it('nn.Conv2d: the sum of a number and the one to its lower right', async () => {
  const on = { x: ramp([1, 1, 3, 3]), weight: diagonal };
  const { y } = await results({ y: kernel('nn.Conv2d', { stride: 1, padding: NONE }, on) });
  expectTensor(y, [1, 1, 2, 2], [6, 8, 12, 14]);
});

it('nn.Conv2dInputGrad: every output goes back to the numbers that it came from', async () => {
  const found = await results({
    // A kernel that is not its own mirror image.
    plain: kernel('nn.Conv2dInputGrad', { stride: 1, padding: NONE, inputShape: [1, 1, 2, 3] }, { dy: ramp([1, 1, 1, 2]), weight: ramp([1, 1, 2, 2]) }),
    stride: kernel('nn.Conv2dInputGrad', { stride: 2, padding: NONE, inputShape: [1, 1, 1, 6] }, { dy: ramp([1, 1, 1, 2]), weight: ramp([1, 1, 1, 3]) }),
    // What fell on the padding goes nowhere.
    padded: kernel('nn.Conv2dInputGrad', { stride: 1, padding: [1, 1, 1, 1], inputShape: [1, 1, 1, 1] }, { dy: ramp([1, 1, 3, 3]), weight: floats([1, 1, 1, 1], [2]) }),
    channels: kernel('nn.Conv2dInputGrad', { stride: 1, padding: NONE, inputShape: [1, 2, 1, 1] }, { dy: floats([1, 2, 1, 1], [1, 10]), weight: ramp([2, 2, 1, 1]) }),
  }); // prettier-ignore
  expectTensor(found['plain'], [1, 1, 2, 3], [1, 4, 4, 3, 10, 8], 'plain');
  // The sixth number was in no window.
  expectTensor(found['stride'], [1, 1, 1, 6], [1, 2, 5, 4, 6, 0], 'stride');
  expectTensor(found['padded'], [1, 1, 1, 1], [10], 'padded');
  expectTensor(found['channels'], [1, 2, 1, 1], [31, 42], 'channels');
});

it('nn.Conv2dWeightGrad: every weight meets the numbers that it was multiplied with', async () => {
  const found = await results({
    plain: kernel('nn.Conv2dWeightGrad', { stride: 1, padding: NONE, weightShape: [1, 1, 2, 2] }, { x: ramp([1, 1, 3, 3]), dy: floats([1, 1, 2, 2], [1, 0, 0, 10]) }),
    // Windows at 1 and 4: 6 and 7 are in none.
    stride: kernel('nn.Conv2dWeightGrad', { stride: 3, padding: NONE, weightShape: [1, 1, 1, 2] }, { x: ramp([1, 1, 1, 7]), dy: floats([1, 1, 1, 2], [1, 10]) }),
    pointwise: kernel('nn.Conv2dWeightGrad', { stride: 1, padding: NONE, weightShape: [1, 2, 1, 1] }, { x: ramp([1, 2, 1, 2]), dy: floats([1, 1, 1, 2], [1, 10]) }),
    moreInputs: kernel('nn.Conv2dWeightGrad', { stride: 1, padding: NONE, weightShape: [1, 2, 1, 2] }, { x: ramp([1, 2, 1, 3]), dy: floats([1, 1, 1, 2], [1, 10]) }),
    padded: kernel('nn.Conv2dWeightGrad', { stride: 1, padding: [1, 1, 1, 1], weightShape: [1, 1, 1, 1] }, { x: floats([1, 1, 1, 1], [3]), dy: ramp([1, 1, 3, 3]) }),
    batch: kernel('nn.Conv2dWeightGrad', { stride: 1, padding: NONE, weightShape: [1, 1, 1, 2] }, { x: ramp([2, 1, 1, 2]), dy: floats([2, 1, 1, 1], [1, 10]) }),
  }); // prettier-ignore
  // 1 and ten times 5, and so on.
  expectTensor(found['plain'], [1, 1, 2, 2], [51, 62, 84, 95], 'plain');
  expectTensor(found['stride'], [1, 1, 1, 2], [41, 52], 'stride');
  expectTensor(found['pointwise'], [1, 2, 1, 1], [21, 43], 'pointwise');
  expectTensor(found['moreInputs'], [1, 2, 1, 2], [21, 32, 54, 65], 'more inputs');
  expectTensor(found['padded'], [1, 1, 1, 1], [15], 'padded');
  expectTensor(found['batch'], [1, 1, 1, 2], [31, 42], 'batch');
});

it('nn.ChannelSum: over samples and places', async () => {
  const { y } = await results({ y: kernel('nn.ChannelSum', {}, { dy: ramp([2, 2, 1, 2]) }) });
  expectTensor(y, [2], [1 + 2 + 5 + 6, 3 + 4 + 7 + 8]);
});
