import { uniform } from '@controllab/data';
import { meanInterval } from '../statistics/interval.ts';
import type { Claim, ClaimResult, GridImage, Measurement, PaperValue, Report } from '../model/report.ts';

// A report of the size and shape of a real one, with invented numbers: for the tests of this package only.

const VARIANTS = [
  'ControlNet, zero convolutions',
  'ControlNet, Gaussian convolutions',
  'ControlNet-lite, zero',
  'ControlNet-lite, Gaussian',
];
const PROMPTS = ['no prompt', 'insufficient prompt', 'conflicting prompt', 'perfect prompt'];
const TEXTS = ['', 'objects on a background', 'a cat on a blue background', 'a disc left of a square'];
const SEEDS = [1, 2, 3, 4, 5];
const ARMS = VARIANTS.map((label, i) => ({ id: `arm-${i + 1}`, label }));

/** About normal: the sum of four uniforms, standard deviation 1. */
const noise = (seed: number, i: number): number => uniform(seed, 'sample', i, 4).reduce((sum, u) => sum + u, -2) * Math.sqrt(3);

const samples = (seed: number, centre: number, spread: number, n: number): number[] =>
  Array.from({ length: n }, (_, i) => centre + spread * noise(seed, i));

const measured = (values: readonly number[], weights?: string): Measurement => ({
  ...meanInterval(values),
  seeds: SEEDS,
  ...(weights === undefined ? {} : { provenance: { weightsHash: weights } }),
});

const BACKGROUNDS = [
  [232, 214, 190],
  [196, 220, 236],
  [214, 232, 204],
  [238, 206, 214],
] as const;
const OBJECTS = [
  [206, 74, 52],
  [44, 98, 168],
  [240, 178, 40],
  [70, 140, 84],
] as const;

/** A disc and a square on a plain ground, 64 x 64; `blur` mixes the colours up as a weak model would; outlines only for a condition. */
const scene = (prompt: number, blur: number, outline: boolean): Uint8Array => {
  const rgb = new Uint8Array(64 * 64 * 3);
  const background = BACKGROUNDS[prompt % 4]!;
  for (let y = 0; y < 64; y++) {
    for (let x = 0; x < 64; x++) {
      const disc = Math.hypot(x - 20 - 3 * prompt, y - 28) - 13 - prompt;
      const square = Math.max(Math.abs(x - 45), Math.abs(y - 42)) - 11;
      const inside = disc < 0 ? OBJECTS[prompt % 4]! : square < 0 ? OBJECTS[(prompt + 2) % 4]! : background;
      const edge = Math.abs(disc) < 1 || (disc >= 0 && Math.abs(square) < 1);
      for (let c = 0; c < 3; c++) {
        const jitter = 40 * blur * noise(prompt * 7 + c, y * 64 + x);
        const clean = outline ? (edge ? 255 : 0) : inside[c]! * (1 - blur * 0.7) + 150 * blur * 0.7;
        rgb[(y * 64 + x) * 3 + c] = Math.min(255, Math.max(0, clean + (outline ? 0 : jitter)));
      }
    }
  }
  return rgb;
};

const image = (prompt: number, variant: number | 'condition' | 'target'): GridImage => {
  const strength = typeof variant === 'number' ? [0.02, 0.2, 0.35, 0.5][variant]! : 0;
  return {
    rgb: scene(prompt, strength, variant === 'condition'),
    width: 64,
    height: 64,
    alt: variant === 'condition' ? `canny edges of scene ${prompt + 1}` : `scene ${prompt + 1}: a disc and a square`,
    ...(typeof variant === 'number' ? { caption: `F1 ${(0.82 - strength).toFixed(2)}` } : {}),
  };
};

const F1 = [0.68, 0.55, 0.49, 0.47];
const FID = [41.2, 47.9, 52.4, 55.3];
const PARAMETERS = [1_412_608, 1_412_608, 402_176, 402_176];

const STEPS = Array.from({ length: 21 }, (_, i) => i * 100);
const learned = (variant: number, step: number): number => {
  const end = F1[variant]!;
  const at = [500, 900, 1100, 1300][variant]!;
  return 0.18 + (end - 0.18) / (1 + Math.exp(-(step - at) / 90)) + 0.006 * noise(variant + 40, step);
};

/** One number a training. */
const perTraining = (values: readonly number[], range?: readonly [number, number]): Measurement => ({
  ...meanInterval(values, { over: `${values.length} trainings`, ...(range === undefined ? {} : { range }) }),
  seeds: SEEDS.slice(0, values.length),
  perTraining: values,
});

const EDGES = 'Canny edges';
const MASKS = 'Masks';
const DIFFERENCE = [-1, 1] as const;
const results = (canny: Measurement | null, masks: Measurement | null, paper: PaperValue | null = null): ClaimResult[] => [
  { label: EDGES, measured: canny, paper },
  { label: MASKS, measured: masks, paper },
];

const CLAIMS: Claim[] = [
  {
    id: 'claim-zero',
    claim: 'Zero convolutions follow the condition better than Gaussian ones',
    source: 'ControlNet, section 4.2, figure 8',
    test: 'Paired by training seed over 256 scenes with the same noise, prompt `perfect`.',
    quantity: 'condition F1, zero \u2212 Gaussian',
    rule: { kind: 'above', bound: 0 },
    basis: 'trainings',
    primary: true,
    results: results(
      perTraining([0.131, 0.118, 0.142, 0.109, 0.127], DIFFERENCE),
      perTraining([0.05, -0.03, 0.08, -0.02, 0.06], DIFFERENCE),
      { text: 'shown in images', source: 'figure 8' },
    ),
    shownIn: 'prompt-bars',
  },
  {
    id: 'claim-lite',
    claim: 'With Gaussian convolutions ControlNet drops to the level of ControlNet-lite',
    source: 'ControlNet, section 4.2',
    test: 'An equivalence test: the difference must lie within 0.03 of zero.',
    quantity: 'condition F1, Gaussian ControlNet \u2212 lite',
    rule: { kind: 'within', lo: -0.03, hi: 0.03 },
    basis: 'trainings',
    primary: true,
    results: results(
      perTraining([0.06, 0.071, 0.058, 0.063, 0.066], DIFFERENCE),
      perTraining([0.004, -0.006, 0.003, 0.008, -0.002], DIFFERENCE),
      { text: 'about as low', value: 0, source: 'section 4.2' },
    ),
    shownIn: 'variants',
  },
  {
    id: 'claim-start',
    claim: 'Before the first step, zero convolutions leave the locked model as it is',
    source: 'ControlNet, section 3.1',
    test: 'The largest difference of the prediction with and without the untrained network, over every output value.',
    quantity: 'largest difference before training',
    rule: { kind: 'within', lo: 0, hi: 0 },
    basis: 'fact',
    primary: true,
    results: [
      {
        label: null,
        measured: { value: 0, interval: [0, 0], n: 12288, seeds: [], method: 'every output value compared' },
        paper: { text: '0', value: 0, source: 'section 3.1' },
      },
    ],
  },
  {
    id: 'claim-quality',
    claim: 'The copy improves quality over ControlNet-lite',
    source: 'ControlNet, table 3',
    test: 'Difference of FID (mini-inception) on 1,024 images of a training.',
    quantity: 'FID (mini-inception), copy \u2212 lite',
    rule: { kind: 'below', bound: 0 },
    basis: 'trainings',
    primary: false,
    results: results(perTraining([-14.1, -6.2, -9.8, -11.3, -7.7]), perTraining([-9.8]), {
      text: '15.27 \u2212 17.92 = \u22122.65',
      value: -2.65,
      source: 'table 3, FID with the Inception network',
    }),
    shownIn: 'variants',
  },
  {
    id: 'claim-sudden',
    claim: 'Training converges suddenly rather than gradually',
    source: 'ControlNet, section 3.3, figure 4',
    test: 'Steps between 20% and 80% of the final F1, on a curve of 21 evaluations.',
    quantity: 'Steps from 20% to 80%',
    rule: { kind: 'below', bound: 1000 },
    basis: 'trainings',
    primary: true,
    results: [{ label: EDGES, measured: null, paper: { text: '< 1,000', source: 'figure 4' } }],
    shownIn: 'convergence-curve',
  },
];

const build = (): Report => {
  const perImage = F1.map((centre, i) => samples(i + 1, centre, 0.14, 256));
  const f1 = perImage.map((values, i) => measured(values, `sha256:${'0123456789abcdef'.slice(i)}`));
  return {
    id: 'ablation',
    title: 'Does a trainable copy behind zero convolutions matter?',
    takeaway: 'A trainable copy behind **zero convolutions** follows edges best: F1 0.68 against 0.55 and less.',
    lead: 'film-strip',
    arms: ARMS,
    summary:
      'We trained four ways of adding spatial control to one small Stable Diffusion on **emoji scenes**: a trainable copy of the encoder or one convolution per block, each behind zero or Gaussian convolutions. Every arm was trained five times, from the same five seeds.',
    claims: CLAIMS,
    sections: [
      {
        id: 'setup',
        title: 'What was trained',
        blocks: [
          {
            kind: 'prose',
            text: 'Every variant controls the same frozen U-Net and differs in two choices only: **what** is trained per block (a copy of the block, or one `3x3` convolution), and **how** it is connected (zero or Gaussian convolutions). All see the same 2,000 batches in the same order.\n\nThe recipe follows section 3.3 of [the paper](https://arxiv.org/abs/2302.05543); half of the prompts are empty.',
          },
          {
            kind: 'note',
            text: '**Quick profile.** A small network on 64 px drawings: differences between variants carry over to the question, absolute values do not compare with the paper\u2019s.',
          },
          {
            kind: 'table',
            id: 'variants',
            caption: 'The four variants and how well they follow the condition',
            rowHeader: 'Variant',
            columns: [
              { label: 'Parameters' },
              { label: 'measured', group: 'Canny F1', better: 'higher' },
              { label: 'paper', group: 'Canny F1' },
              { label: 'measured', group: 'FID (mini-inception)', better: 'lower', decimals: 1 },
              { label: 'paper (FID)', group: 'FID (mini-inception)' },
            ],
            rows: VARIANTS.map((label, i) => ({
              label,
              arm: ARMS[i]!.id,
              cells: [
                PARAMETERS[i]!,
                f1[i]!,
                'not given',
                i === 3 ? null : { ...meanInterval(samples(i + 10, FID[i]!, 2.2, 5)), seeds: SEEDS },
                [
                  { text: '15.27', source: 'ControlNet, table 3' },
                  'not given',
                  { text: '17.92', source: 'ControlNet, table 3' },
                  'not given',
                ][i]!,
              ],
            })),
          },
        ],
      },
      {
        id: 'convergence',
        title: 'Convergence',
        blocks: [
          {
            kind: 'prose',
            text: 'The trainable copy behind zero convolutions turns from ignoring the condition to following it within a few hundred steps.',
          },
          {
            kind: 'line',
            id: 'convergence-curve',
            caption: 'Condition fidelity while training; bands are 95% intervals over five trainings',
            x: { label: 'training step' },
            y: { label: 'Canny F1' },
            series: VARIANTS.map((label, i) => {
              const y = STEPS.map((step) => learned(i, step));
              return {
                label,
                arm: ARMS[i]!.id,
                x: STEPS,
                y,
                band: y.map((value, j): [number, number] => [
                  value - 0.012 - 0.03 * uniform(9, 'band', i, j + 1)[j]!,
                  value + 0.012 + 0.03 * uniform(10, 'band', i, j + 1)[j]!,
                ]),
                n: 5,
                seeds: SEEDS,
              };
            }),
            references: [{ label: 'extractor on real images', y: 0.91 }],
          },
        ],
      },
      {
        id: 'prompts',
        title: 'Four kinds of prompt',
        blocks: [
          {
            kind: 'bar',
            id: 'prompt-bars',
            caption: 'Condition fidelity by kind of prompt',
            categories: PROMPTS,
            y: { label: 'Canny F1' },
            series: VARIANTS.map((label, i) => ({
              label,
              arm: ARMS[i]!.id,
              values: PROMPTS.map((_, p) =>
                i === 3 && p === 2 ? null : measured(samples(100 + 10 * i + p, F1[i]! - 0.06 + 0.025 * p, 0.14, 256)),
              ),
            })),
          },
          {
            kind: 'film-strip',
            id: 'film-strip',
            caption: 'One condition over training',
            condition: { ...image(0, 'condition'), detail: 'a disc left of a square' },
            steps: [0, 250, 500, 750, 1000, 1500, 2000],
            rows: ARMS.map(({ id, label }, i) => ({
              label,
              arm: id,
              images: [3, 3, 2, 2, 1, i, i].map((blur) => image(0, Math.max(blur, i))),
            })),
          },
          {
            kind: 'image-grid',
            id: 'grid',
            caption: 'The same noise under every variant',
            columns: [
              'Condition',
              ...VARIANTS.map((variant) => ({ group: variant.split(', ')[0]!, label: variant.split(', ')[1]! })),
              'Target',
            ],
            rows: PROMPTS.map((prompt, p) => ({
              label: prompt,
              detail: TEXTS[p]!,
              images: [image(p, 'condition'), ...VARIANTS.map((_, i) => (i === 3 && p === 2 ? null : image(p, i))), image(p, 'target')],
            })),
          },
          {
            kind: 'image-grid',
            id: 'arms-by-prompts',
            caption: 'Every arm under every kind of prompt',
            columns: ['Condition', ...ARMS.flatMap(({ id, label }) => PROMPTS.map((prompt) => ({ group: label, label: prompt, arm: id })))],
            rows: [0, 1, 2].map((scene) => ({
              label: `${scene + 1}`,
              images: [
                image(scene, 'condition'),
                ...ARMS.flatMap((_, i) => PROMPTS.map((_prompt, p) => ({ ...image(scene, i), detail: TEXTS[p]! }))),
              ],
            })),
          },
        ],
      },
    ],
    provenance: {
      commit: '3f9c2ab17d40',
      profile: 'quick',
      configHash: 'sha256:5f70bf18a086007016e948b04aed3b82',
      weightsHash: 'sha256:9b74c9897bac770ffc029102a200c5de',
      datasetHash: 'sha256:1f825aa2f0020ef7cf91dfa30da4668d',
      engine: 'onnxruntime-node 1.30.0, cpu, 2 threads',
      machine: 'linux x64, 2 cores',
      wallSeconds: 1284,
      finishedAt: '2026-03-14T09:26:53Z',
      command: 'npx nx run experiments:ablation -c quick --seed=1',
      trainings: SEEDS.map((seed) => ({
        id: `proposed, canny, seed ${seed}`,
        seed,
        identity: `9b74c9897ba${seed}`,
        commit: '3f9c2ab17d40',
        processor: 'Example CPU at 2.6 GHz',
        instructionSet: 'avx512f',
        engine: 'onnx cpu',
        threads: 1,
        seconds: 61.5,
        finishedAt: '2026-03-14T09:26:53Z',
        cached: seed === 1,
      })),
      networks: [{ name: 'judge: mini-inception', hash: 'sha256:9b74c989', engine: 'onnx cpu' }],
    },
    attribution: [
      {
        work: 'OpenMoji 17',
        author: 'the OpenMoji project',
        license: 'CC BY-SA 4.0',
        url: 'https://openmoji.org',
        note: 'Images made from its drawings are under the same licence.',
      },
    ],
  };
};

// Built once: its intervals take a second.
export const SAMPLE_REPORT = build();
