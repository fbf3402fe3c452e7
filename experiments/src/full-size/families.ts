import type * as tf from '@tensorflow/tfjs';
import {
  SD15_ENCODER,
  SD21_ENCODER,
  SDXL_ENCODER,
  sd15,
  sd21,
  sdxl,
  svd,
  type Injection,
  type Module,
  type UNet2DConditionModel,
  type UNetOptions,
} from '@controllab/core-blocks';
import {
  ControlNetLite,
  controlNetSd15,
  controlNetSd21,
  controlNetSdxl,
  controlNetSvd,
  toUNetResiduals,
  type ControlNetModel,
  type ControlResiduals,
} from '@controllab/controlnet';
import {
  CONTROLNEXT_INJECTIONS,
  TRAINABLE_PATTERNS,
  controlNeXt,
  controlNeXtSd15Legacy,
  controlNeXtSdxlLegacy,
  controlNeXtSvdV1,
  injectControl,
  type ControlNeXtInjection,
  type ControlNeXtModel,
} from '@controllab/controlnext';
import type { NamedTensors, TensorSpec } from '@controllab/tfjs-onnx';

/** How a family is controlled: a network beside the U-Net, and which of the U-Net's own parameters train with it. */
export interface Method {
  id: 'controlnet' | 'controlnet-lite' | 'controlnext' | 'controlnext-legacy';
  label: string;
  control: Module;
  /** What it gives the U-Net. */
  run(t: NamedTensors): UNetOptions;
  /** Names of the U-Net's parameters that train too; null: none. */
  trainable: RegExp | null;
}

/** A base model at the size the papers use it at, batch 1. */
export interface Family {
  id: 'sd15' | 'sdxl' | 'svd' | 'sd21';
  label: string;
  setting: string;
  inputs: Record<string, TensorSpec>;
  unet: Module;
  predict(t: NamedTensors, options?: UNetOptions): tf.Tensor;
  methods: Method[];
}

const TOKENS = 77;
/** Pixels per latent along a side. */
const FACTOR = 8;
const SVD_FRAMES = 14;
const SVD_LATENT = [72, 128] as const; // 576 x 1024 pixels

const at = (t: NamedTensors, name: string) => t[name] as tf.Tensor;
const specs = (shapes: Record<string, number[]>): Record<string, TensorSpec> =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));

const ids = {
  controlnet: 'ControlNet',
  'controlnet-lite': 'ControlNet-lite',
  controlnext: 'ControlNeXt',
  'controlnext-legacy': 'ControlNeXt, legacy module',
} as const;

const byResiduals = (id: 'controlnet' | 'controlnet-lite', control: Module, run: (t: NamedTensors) => ControlResiduals): Method => ({
  id,
  label: ids[id],
  control,
  run: (t) => toUNetResiduals(run(t)),
  trainable: null,
});

function byInjection(
  id: 'controlnext' | 'controlnext-legacy',
  control: ControlNeXtModel,
  way: ControlNeXtInjection,
  trainable: RegExp,
): Method {
  const run = (t: NamedTensors): { inject: Injection } => ({
    inject: injectControl(way, control.forward(at(t, 'condition'), at(t, 'timesteps'))),
  });
  return { id, label: ids[id], control, run, trainable };
}

const how = CONTROLNEXT_INJECTIONS;

interface ImageModel extends Pick<Family, 'id' | 'label'> {
  /** Latents along a side. */
  side: number;
  /** Width of the text. */
  context: number;
  /** Width of the pooled text, SDXL only. */
  pooled?: number;
  unet: UNet2DConditionModel;
  controlNet: ControlNetModel;
  lite: ControlNetLite;
  controlNeXts: Method[];
}

function imageFamily({ id, label, side, context, pooled, unet, controlNet, lite, controlNeXts }: ImageModel): Family {
  const pixels = FACTOR * side;
  const main = (t: NamedTensors) => [at(t, 'sample'), at(t, 'timesteps'), at(t, 'context')] as const;
  const added = (t: NamedTensors) =>
    pooled === undefined ? {} : { addedConditions: { textEmbeds: at(t, 'textEmbeds'), timeIds: at(t, 'timeIds') } };
  return {
    id,
    label,
    setting: `${pixels} × ${pixels} pixels, ${TOKENS} tokens`,
    unet,
    inputs: specs({
      sample: [1, 4, side, side],
      timesteps: [1],
      context: [1, TOKENS, context],
      condition: [1, 3, pixels, pixels],
      ...(pooled === undefined ? {} : { textEmbeds: [1, pooled], timeIds: [1, 6] }),
    }),
    predict: (t, options) => unet.forward(...main(t), { ...options, ...added(t) }),
    methods: [
      byResiduals('controlnet', controlNet, (t) => controlNet.forward(...main(t), at(t, 'condition'), added(t))),
      byResiduals('controlnet-lite', lite, (t) => lite.forward(...main(t), at(t, 'condition'))),
      ...controlNeXts,
    ],
  };
}

const sd15Family = () =>
  imageFamily({
    id: 'sd15',
    label: 'SD1.5',
    side: 64,
    context: 768,
    unet: sd15(),
    controlNet: controlNetSd15(),
    lite: new ControlNetLite(SD15_ENCODER),
    controlNeXts: [
      byInjection('controlnext', controlNeXt(), how.sd15, TRAINABLE_PATTERNS.sd15),
      byInjection('controlnext-legacy', controlNeXtSd15Legacy(), how.sd15Inference, TRAINABLE_PATTERNS.sd15),
    ],
  });

/** Not in the ControlNeXt paper: its SD1.5 recipe on SD2.1. */
const sd21Family = () =>
  imageFamily({
    id: 'sd21',
    label: 'SD2.1',
    side: 96,
    context: 1024,
    unet: sd21(),
    controlNet: controlNetSd21(),
    lite: new ControlNetLite(SD21_ENCODER),
    controlNeXts: [byInjection('controlnext', controlNeXt(), how.sd15, TRAINABLE_PATTERNS.sd15)],
  });

const sdxlFamily = () =>
  imageFamily({
    id: 'sdxl',
    label: 'SDXL',
    side: 128,
    context: 2048,
    pooled: 1280,
    unet: sdxl(),
    controlNet: controlNetSdxl(),
    lite: new ControlNetLite(SDXL_ENCODER),
    controlNeXts: [
      byInjection('controlnext', controlNeXt(), how.sdxl, TRAINABLE_PATTERNS.sdxl),
      // Its 1280 channels fit the lowest level only; where exactly it was added changes no count.
      byInjection('controlnext-legacy', controlNeXtSdxlLegacy(), how.sd15Inference, TRAINABLE_PATTERNS.sdxl),
    ],
  });

function svdFamily(): Family {
  const [unet, controlNet] = [svd(), controlNetSvd()];
  // Lite sees neither time nor text, so single frames are all it needs; the widths are those of SD2.1's encoder.
  const lite = new ControlNetLite({ ...SD21_ENCODER, in_channels: 8 });
  const [h, w] = SVD_LATENT;
  const common = (t: NamedTensors) => [at(t, 'sample'), at(t, 'timesteps'), at(t, 'context'), at(t, 'timeIds')] as const;
  const frames = (x: tf.Tensor) => x.reshape([SVD_FRAMES, ...x.shape.slice(2)]);
  return {
    id: 'svd',
    label: 'SVD',
    setting: '14 frames of 576 × 1024 pixels',
    unet,
    inputs: specs({
      sample: [1, SVD_FRAMES, 8, h, w],
      timesteps: [1],
      context: [1, 1, 1024],
      timeIds: [1, 3],
      condition: [1, SVD_FRAMES, 3, FACTOR * h, FACTOR * w],
    }),
    predict: (t, options) => unet.forward(...common(t), options),
    methods: [
      byResiduals('controlnet', controlNet, (t) => controlNet.forward(...common(t), at(t, 'condition'))),
      byResiduals('controlnet-lite', lite, (t) =>
        lite.forward(frames(at(t, 'sample')), at(t, 'timesteps'), at(t, 'context'), frames(at(t, 'condition'))),
      ),
      byInjection('controlnext', controlNeXt(), how.svd, TRAINABLE_PATTERNS.svd),
      byInjection('controlnext-legacy', controlNeXtSvdV1(), how.svdV1, TRAINABLE_PATTERNS.svd),
    ],
  };
}

/** The three base models of ControlNeXt's tables, and SD2.1. */
export const families = (): Family[] => [sd15Family(), sdxlFamily(), svdFamily(), sd21Family()];
