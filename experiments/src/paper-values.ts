/**
 * What the papers claim, in our words and with its place: the one file that reports take it from.
 * CN: "Adding Conditional Control to Text-to-Image Diffusion Models", ICCV 2023 (arXiv 2302.05543v3).
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
    claim: 'Replacing the zero convolutions by Gaussian-initialised ones makes ControlNet about as bad as ControlNet-lite: the pretrained copy is destroyed while the connections are tuned.',
    source: 'CN section 4.2 and figure 8b',
  },
  lite: {
    claim: 'ControlNet-lite cannot interpret the condition where the prompt says nothing about it.',
    source: 'CN section 4.2 and figure 8c',
  },
  noNumbers: 'The paper shows this ablation as images (figure 8) and prints no number for it.',
} as const;
