import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { exampleInputs, initialParameters, initialState, QUICK_NETWORKS, stepSignature, trainingStep } from '../bench/unet.ts';
import { compile, scalar, TfjsOnnxError, type CompiledFunction, type HostTensor, type Provider } from './index.ts';

await tf.setBackend('cpu');

const network = QUICK_NETWORKS[0]!;

async function compileStep(provider: Provider): Promise<CompiledFunction> {
  const step = await compile(trainingStep(network), stepSignature(network), { provider });
  step.state = initialState(initialParameters(network));
  return step;
}

async function train(step: CompiledFunction): Promise<Record<string, HostTensor>> {
  let outputs = {};
  for (let t = 1; t <= 2; t++) {
    const schedule = {
      learningRate: scalar(1e-3),
      biasCorrection1: scalar(1 / (1 - 0.9 ** t)),
      biasCorrection2: scalar(1 / (1 - 0.999 ** t)),
    };
    outputs = await step.run({ ...exampleInputs(network), ...schedule });
  }
  return { ...outputs, ...step.state };
}

/** The errors that say that a provider cannot be had here: no such build, no adapter, or no library. */
const ABSENT = { webgpu: /no provider|adapter/i, cuda: /no provider|Failed to load shared library|CUDA driver/i };

// Without a graphics card, a software Vulkan driver will do for WebGPU (SwiftShader, lavapipe): set VK_ICD_FILENAMES to its .json.
describe.each(['webgpu', 'cuda'] as const)('%s', (provider) => {
  it('trains a small U-Net as the CPU does', async ({ skip }) => {
    let step: CompiledFunction;
    try {
      step = await compileStep(provider);
    } catch (error) {
      if (!(error instanceof TfjsOnnxError) || !ABSENT[provider].test(error.message)) throw error;
      return skip(error.message.split('\n')[0]);
    }
    const [expected, got] = [await train(await compileStep('cpu')), await train(step)];
    for (const [name, { data }] of Object.entries(expected)) {
      const scale = Math.max(...data.map(Math.abs));
      data.forEach((v, i) => expect(Math.abs(v - got[name]!.data[i]!) / scale, name).toBeLessThan(1e-3));
    }
    // A software driver compiles a shader per shape, for minutes.
  }, 600_000);
});
