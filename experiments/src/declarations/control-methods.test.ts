import { expect, it } from 'vitest';
import {
  controlLora,
  controlNet,
  controlNetLite,
  controlNetMlp,
  controlNetXs,
  ldmConcatenation,
  piti,
  t2iAdapter,
} from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import { initialize, type Method } from '@controllab/core-blocks';
import { firstStage, openBase, secondStage } from '@controllab/mini-sd';
import { cost, trace } from '@controllab/tfjs-onnx';
import { denoisingStep, pictureStep, trainStepFunction, type PictureModel } from '@controllab/training';
import { onBase } from '../runner/on-base.ts';
import { recipe } from './arms.ts';
import { STEP_MMACS } from './control-methods.ts';

const base = await openBase('mini');

const macsOf = (method: Method): number => {
  const { model } = onBase(base, method.create(base.denoiser().target));
  const { fn, signature } = trainStepFunction(denoisingStep(model, recipe, { name: method.label }));
  return cost(trace(fn, signature)).macs / 1e6;
};

it('equal FLOPs are what the steps’ graphs have', () => {
  const methods = [controlNet(), controlNetLite(), controlNetMlp(), controlNeXt(), controlNetXs(), t2iAdapter(), ldmConcatenation()];
  expect(Object.fromEntries(methods.map((method) => [method.id, Math.round(macsOf(method))]))).toEqual(STEP_MMACS);
}, 120_000);

it('the VQ transformer takes two thirds as many a step as ControlNet, and its first stage four fifths', () => {
  const ofPictures = (model: PictureModel): number => {
    const { fn, signature } = trainStepFunction(pictureStep(model, recipe, 'stage'));
    return Math.round(cost(trace(fn, signature)).macs / 1e6);
  };
  const first = firstStage();
  expect([ofPictures(first), ofPictures(secondStage(initialize(first.modules['vq']!, 1, 'vq')))]).toEqual([6324, 5251]);
}, 120_000);

it.each([controlLora(), piti()].map((method) => [method.label, method] as const))(
  '%s takes as many as ControlNet at equal steps, but for a fiftieth',
  (_, method) => expect(Math.abs(macsOf(method) / STEP_MMACS['controlnet']! - 1)).toBeLessThan(0.02),
  120_000,
);
