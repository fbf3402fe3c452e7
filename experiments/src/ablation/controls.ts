import { canny } from '@controllab/data';
import { edgeF1, maskIou, segmentationAgreement } from '@controllab/metrics';
import { IMAGE_SIZE, segment, SUBGROUPS } from '@controllab/mini-sd';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { HeldOutScene } from './held-out.ts';

/** One way to condition, and how a picture is held against the condition it was drawn from. */
export interface Control {
  id: 'canny' | 'segmentation' | 'mask';
  label: string;
  /** The measure's name, as tables and axes print it. */
  measure: string;
  /** How it is taken (prose). */
  method: string;
  /** One value an image, in [0, 1]. */
  fidelity(images: readonly Uint8Array[], scenes: readonly HeldOutScene[], segmenter: Record<string, HostTensor>): Promise<number[]>;
}

const map = (data: Uint8Array) => ({ data, width: IMAGE_SIZE, height: IMAGE_SIZE });
/** Edge F1 of re-extracted Canny edges, with a tolerance of `tolerance` pixels. */
export const cannyFidelity = (images: readonly Uint8Array[], scenes: readonly HeldOutScene[], tolerance: 0 | 1): number[] =>
  images.map((image, i) => edgeF1(canny(image, IMAGE_SIZE, IMAGE_SIZE), scenes[i]!.maps.canny, IMAGE_SIZE, IMAGE_SIZE, { tolerance }).f1);

export const controls: readonly Control[] = [
  {
    id: 'canny',
    label: 'Canny edges',
    measure: 'edge F1 (1 px)',
    method:
      'Edges are extracted again from the generated pictures with the extractor that made the condition, and compared pixel by pixel: F1 with a tolerance of one pixel.',
    fidelity: async (images, scenes) => cannyFidelity(images, scenes, 1),
  },
  {
    id: 'segmentation',
    label: 'segmentation map',
    measure: 'mIoU (mini-segmenter)',
    method: 'The mini-segmenter reads 48 classes back from the generated pictures: mean IoU over the classes of each image.',
    fidelity: async (images, scenes, segmenter) => {
      const predicted = await segment(segmenter, images);
      const { perImage } = segmentationAgreement(
        predicted.map((labels, i) => ({ predicted: map(labels), target: map(scenes[i]!.maps.segmentation) })),
        { classes: SUBGROUPS },
      );
      return perImage.map((value) => value ?? 0);
    },
  },
  {
    id: 'mask',
    label: 'object mask',
    measure: 'mask IoU (mini-segmenter)',
    method: 'What the mini-segmenter takes for an object, whichever its class, against the mask that was given: IoU.',
    fidelity: async (images, scenes, segmenter) =>
      (await segment(segmenter, images)).map((labels, i) => maskIou(map(labels), map(scenes[i]!.maps.mask))),
  },
];
