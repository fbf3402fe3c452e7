import type * as tf from '@tensorflow/tfjs';
import { imageDenoiser } from '@controllab/base-model';
import {
  clipTextBigG,
  clipTextSd15,
  clipTextSd21,
  clipVisionH14,
  sd15Inpaint,
  sd2Depth,
  sdxlRefiner,
  vaeSd,
  vaeSvd,
  type Module,
  type UNet2DConditionModel,
} from '@controllab/core-blocks';
import type { NamedTensors, TensorSpec } from '@controllab/tfjs-onnx';

/** Pixels per latent along a side. */
const FACTOR = 8;
const TOKENS = 77;

/** A network of a published pipeline beside the three U-Nets of the paper. */
export interface Component {
  id: string;
  label: string;
  setting: string;
  module: Module;
  inputs: Record<string, TensorSpec>;
  run(t: NamedTensors): tf.Tensor;
}

const at = (t: NamedTensors, name: string) => t[name] as tf.Tensor;
const one = (shape: number[], dtype: 'float32' | 'int32' = 'float32'): Record<string, TensorSpec> => ({ x: { shape, dtype } });

/** A U-Net that the papers print nothing for; its inputs are those of a denoiser. */
function unet(
  id: string,
  label: string,
  { config }: UNet2DConditionModel,
  { side, timeIds }: { side: number; timeIds?: number },
): Component {
  const { unet: module, ...denoiser } = imageDenoiser(config, {
    family: id,
    factor: FACTOR,
    tokens: TOKENS,
    latent: { height: side, width: side },
    ...(timeIds === undefined ? {} : { timeIds }),
  });
  const pixels = side * FACTOR;
  return {
    id,
    label,
    setting: `${pixels} × ${pixels} pixels, ${TOKENS} tokens`,
    module,
    inputs: denoiser.inputs(1),
    run: (t) => denoiser.predict(t),
  };
}

export function components(): Component[] {
  const [vae, videoVae, textL, textH, textG, vision] = [vaeSd(), vaeSvd(), clipTextSd15(), clipTextSd21(), clipTextBigG(), clipVisionH14()];
  const tokens = one([1, TOKENS], 'int32');
  return [
    unet('sd15-inpaint', 'SD1.5 inpainting U-Net', sd15Inpaint(), { side: 64 }),
    unet('sd2-depth', 'SD2 depth U-Net', sd2Depth(), { side: 64 }),
    unet('sdxl-refiner', 'SDXL refiner U-Net', sdxlRefiner(), { side: 128, timeIds: 5 }),
    {
      id: 'vae-encode',
      label: 'Autoencoder of SD1, SD2 and SDXL, encoding',
      setting: '512 × 512 pixels',
      module: vae,
      inputs: one([1, 3, 512, 512]),
      run: (t) => vae.encode(at(t, 'x')).mean,
    },
    {
      id: 'vae-decode',
      label: 'Autoencoder of SD1, SD2 and SDXL, decoding',
      setting: '512 × 512 pixels',
      module: vae,
      inputs: one([1, 4, 64, 64]),
      run: (t) => vae.decode(at(t, 'x')),
    },
    {
      id: 'svd-vae-decode',
      label: 'Autoencoder of SVD, decoding',
      setting: '14 frames of 576 × 1024 pixels',
      module: videoVae,
      inputs: one([14, 4, 72, 128]),
      run: (t) => videoVae.decode(at(t, 'x'), 14),
    },
    {
      id: 'clip-text-l',
      label: 'CLIP ViT-L/14 text (SD1, SDXL)',
      setting: '77 tokens',
      module: textL,
      inputs: tokens,
      run: (t) => textL.forward(at(t, 'x')),
    },
    {
      id: 'clip-text-h',
      label: 'OpenCLIP ViT-H/14 text, 23 layers (SD2)',
      setting: '77 tokens',
      module: textH,
      inputs: tokens,
      run: (t) => textH.forward(at(t, 'x')),
    },
    {
      id: 'clip-text-g',
      label: 'OpenCLIP ViT-bigG/14 text with projection (SDXL)',
      setting: '77 tokens',
      module: textG,
      inputs: tokens,
      run: (t) => textG.encode(at(t, 'x')).penultimate,
    },
    {
      id: 'clip-vision-h',
      label: 'OpenCLIP ViT-H/14 vision with projection (SVD)',
      setting: '224 × 224 pixels',
      module: vision,
      inputs: one([1, 3, 224, 224]),
      run: (t) => vision.forward(at(t, 'x')),
    },
  ];
}
