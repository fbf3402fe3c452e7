/**
 * What the papers claim, in our words and with its place: the one file that reports take it from.
 * CN: "Adding Conditional Control to Text-to-Image Diffusion Models", ICCV 2023 (arXiv 2302.05543v3).
 * ControlNeXt: "ControlNeXt: Powerful and Efficient Control for Image and Video Generation", 2024 (arXiv 2408.06070v3).
 */
export const PAPER = {
  zeroConvolutions: {
    claim: 'Zero convolutions add nothing before training: the locked model starts out exactly as it was, and no harmful noise enters it.',
    source: 'CN section 3.1, equations 2 and 3',
  },
  suddenConvergence: {
    claim: 'The model does not learn the condition gradually: at some step it abruptly begins to follow it ("sudden convergence").',
    source: 'CN section 3.3 and figure 4',
  },
  allPrompts: {
    claim: 'ControlNet follows the condition under all four prompt settings, also with no prompt at all.',
    source: 'CN section 4.2 and figure 8',
  },
  gaussian: {
    claim:
      'Replacing the zero convolutions by Gaussian-initialised ones makes ControlNet about as bad as ControlNet-lite: the pretrained copy is destroyed while the connections are tuned.',
    source: 'CN section 4.2 and figure 8b',
  },
  lite: {
    claim: 'ControlNet-lite cannot interpret the condition where the prompt says nothing about it.',
    source: 'CN section 4.2 and figure 8c',
  },
  pretrainedCopy: {
    claim: 'ControlNet learns from the pretrained layers that it copies: an encoder of the same form from random weights does worse.',
    source: 'CN sections 1 and 3.1',
  },
  fewImages: {
    claim: 'Training does not collapse with 1,000 images: recognisable content comes of as few.',
    source: 'CN section 4.5 and the figure on the influence of training dataset sizes',
  },
  moreImages: {
    claim: 'What is learnt scales with the number of training images: more of them keep helping.',
    source: 'CN section 4.5 and the figure on the influence of training dataset sizes',
  },
  batchSize: {
    claim: 'What counts for sudden convergence is the number of steps: a larger batch by accumulation trains a better network after it.',
    source: 'CN repository, docs/train.md, "Sudden Converge Phenomenon and Gradient Accumulation"',
  },
  crossNormalization: {
    claim: 'Cross normalisation in place of zero convolutions lets control come much faster.',
    source: 'ControlNeXt, section 3.3; section 4.1 and figure 3',
  },
  frozenAutoencoder: {
    claim: 'A frozen autoencoder in place of the hint encoder lets control come faster.',
    source: 'CtrLoRA (arXiv 2410.09400), section 3.2',
  },
  composition: {
    claim: 'Several conditions are composed by adding the outputs of their ControlNets; no extra weighting or interpolation is needed.',
    source: 'CN section 3.4',
  },
  smallData: {
    claim:
      'With little data or time, connecting the middle block alone trains about 1.6 times as fast; the other connections are added once results follow the condition.',
    source: 'CN, first version (arXiv 2302.05543v1), section 3.5',
  },
  largeData: {
    claim: 'With much data, all of Stable Diffusion may be unlocked once ControlNet has converged, and trained jointly.',
    source: 'CN, first version (arXiv 2302.05543v1), section 3.5',
  },
  guessing: {
    claim:
      'Without a prompt, control in both halves of guidance cancels it, in the conditional half alone it makes it very strong; weights by resolution temper that.',
    source: 'CN section 3.4',
  },
  transfer: {
    claim: 'A trained control applies to community models of the same architecture without training anew.',
    source: 'CN figure 12; ControlNeXt, abstract',
  },
  promptDropping: {
    claim:
      'Replacing half of the prompts by empty strings while training makes the network read the condition’s meaning in place of the prompt.',
    source: 'CN section 3.3',
  },
  figureOnly:
    'The paper shows this ablation as images (figure 8) and prints no number for it. Its tables 2 and 3 compare two of the arms, under segmentation and with a prompt: IoU 0.35 ± 0.14 (ControlNet) and 0.32 ± 0.12 (lite), FID 15.27 and 17.92.',
} as const;

/** The comparison of methods under segmentation maps as ControlNet's tables 2 and 3 print it; IoU as mean and deviation over pictures. */
export const PAPER_QUALITY = {
  source: 'CN tables 2 and 3 (ADE20K, 512 x 512)',
  rows: [
    { label: 'Stable Diffusion, no control', fid: 6.09, clip: 0.26, aesthetic: 6.32, iou: null },
    { label: 'VQGAN (seg)', fid: 26.28, clip: 0.17, aesthetic: 5.14, iou: '0.21 ± 0.15' },
    { label: 'LDM (seg)', fid: 25.35, clip: 0.18, aesthetic: 5.15, iou: '0.31 ± 0.09' },
    { label: 'PITI (seg)', fid: 19.74, clip: 0.2, aesthetic: 5.77, iou: '0.26 ± 0.16' },
    { label: 'ControlNet-lite', fid: 17.92, clip: 0.26, aesthetic: 6.3, iou: '0.32 ± 0.12' },
    { label: 'ControlNet', fid: 15.27, clip: 0.26, aesthetic: 6.31, iou: '0.35 ± 0.14' },
    { label: 'real pictures', fid: null, clip: null, aesthetic: null, iou: '0.58 ± 0.10' },
  ],
  closer: { claim: 'ControlNet follows segmentation maps more closely than ControlNet-lite (IoU 0.35 and 0.32).', source: 'CN table 2' },
  better: {
    claim: 'Under segmentation maps ControlNet draws better pictures than ControlNet-lite (FID 15.27 and 17.92).',
    source: 'CN table 3',
  },
  alike: { claim: 'ControlNet and ControlNet-lite fit their prompts alike (CLIP score 0.26).', source: 'CN table 3' },
  farther: { claim: 'Pictures under control are farther from real ones than those of the model without it.', source: 'CN table 3' },
} as const;

/**
 * How ControlNet was held against Stable Diffusion 2's depth-to-image model: users were taught with 100 images of each, and asked of 200
 * others, one by one, which of the two had drawn it. Mean and deviation over users.
 */
export const PAPER_DEPTH = {
  claim:
    'Users cannot tell pictures of a ControlNet from those of a depth-conditioned model that was trained with far more data and compute.',
  source: 'CN section 4.3, "Comparison to industrial models"',
  users: 12,
  precision: { mean: 0.52, deviation: 0.17, text: '0.52 ± 0.17' },
  training: [
    { label: 'Stable Diffusion 2 depth-to-image', images: 'more than 12M', time: 'thousands of GPU hours', machine: 'a cluster of A100' },
    { label: 'ControlNet on Stable Diffusion 2', images: '200k', time: '5 days', machine: 'one RTX 3090Ti' },
  ],
} as const;

/** Parameters in millions as ControlNeXt's table 5 prints them, by base model. */
export const PAPER_PARAMETERS = {
  source: 'ControlNeXt, table 5',
  millions: {
    sd15: { base: { total: 859 }, controlnet: { total: 1220, learnable: 361 }, controlnext: { total: 865, learnable: 30 } },
    sdxl: { base: { total: 2567 }, controlnet: { total: 3818, learnable: 1251 }, controlnext: { total: 2573, learnable: 108 } },
    svd: { base: { total: 1524 }, controlnet: { total: 2206, learnable: 682 }, controlnext: { total: 1530, learnable: 55 } },
  },
  reduction: {
    claim: 'ControlNeXt has up to 90% fewer learnable parameters than its alternatives.',
    text: 'up to 90%',
    source: 'ControlNeXt, abstract and table 5',
  },
} as const;

/**
 * Seconds per denoising step as ControlNeXt's table 6 prints them, by base model, and the mean increases it prints over its base models.
 */
export const PAPER_SECONDS = {
  source: 'ControlNeXt, table 6',
  seconds: {
    sd15: { base: 0.22, controlnet: 0.31, controlnext: 0.24 },
    sdxl: { base: 0.7, controlnet: 1.01, controlnext: 0.82 },
    svd: { base: 1.23, controlnet: 1.73, controlnext: 1.29 },
  },
  rounding: 0.01,
  overhead: {
    claim: 'ControlNeXt adds less computation to a step than ControlNet.',
    text: 'time per step +10.4% against +41.9%',
    source: 'ControlNeXt, table 6, means over three base models',
  },
} as const;

/** How much longer than the base model's a step takes by the paper's times, and the least and most that their rounding leaves open. */
export function paperIncrease(
  id: keyof typeof PAPER_SECONDS.seconds,
  method: 'controlnet' | 'controlnext',
): { value: number; least: number; most: number } {
  const { [method]: seconds, base } = PAPER_SECONDS.seconds[id];
  const half = PAPER_SECONDS.rounding / 2;
  return { value: seconds / base - 1, least: (seconds - half) / (base + half) - 1, most: (seconds + half) / (base - half) - 1 };
}
