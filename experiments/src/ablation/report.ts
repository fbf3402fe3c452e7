import { meanInterval, pairedDifferenceInterval, type BarFigure, type Claim, type GridImage, type ImageGrid, type LineFigure, type Measurement, type Provenance, type Report, type Section, type Table } from '@controllab/report';
import { attributions } from '@controllab/emoji-scenes';
import { IMAGE_SIZE } from '@controllab/mini-sd';
import type { TrainingResult } from '@controllab/training';
import { PAPER } from '../paper-values.ts';
import type { Cells } from './compare.ts';
import { JUMP_WINDOW, jumpShare, type Curve, type Jump } from './convergence.ts';
import { promptSettings, variants, type AblationProfile } from './design.ts';
import { mean } from './fidelity.ts';
import type { HeldOutScene } from './held-out.ts';

export interface VariantResult {
  parameters: number;
  start: { difference: number; values: number };
  losses: TrainingResult['losses'];
  curve: { tolerant: Curve; exact: Curve };
  timing: { samplesPerSecond: number; waitShare: number };
  cells: Cells;
}

export interface AblationResult {
  profile: AblationProfile;
  seed: number;
  scenes: readonly HeldOutScene[];
  base: Cells;
  variants: Record<string, VariantResult>;
}

const labelOf = (id: string): string => variants.find((v) => v.id === id)?.label ?? 'base model, no control';

/** The report of one run, from its results alone: the same results give the same report. */
export function ablationReport(result: AblationResult, provenance: Provenance): Report {
  const { seed, profile, scenes } = result;
  const seeds = [seed];
  const cellsOf = (id: string): Cells => (id === 'base' ? result.base : result.variants[id]!.cells);
  const at = (id: string, prompt: string): number[] => cellsOf(id)[prompt]!.fidelity.tolerant;
  const measured = (samples: readonly number[]): Measurement => ({ ...meanInterval(samples, seed), seeds });
  const difference = (a: readonly number[], b: readonly number[]): Measurement => ({ ...pairedDifferenceInterval(a, b, seed), seeds });
  const exactly = (value: number, n: number, method: string): Measurement => ({ value, interval: [value, value], n, method, seeds });
  const jump = jumpShare(result.variants['proposed']!.curve.tolerant);
  const images = scenes.length;

  const claims: Claim[] = [
    {
      id: 'zero-convolutions',
      ...PAPER.zeroConvolutions,
      test: 'Largest absolute difference between the base model’s prediction with and without the untrained ControlNet, over every output value. The claim asks for exactly 0.',
      quantity: 'largest difference before training, zero convolutions',
      rule: { kind: 'within', lo: 0, hi: 0 },
      measured: exactly(result.variants['proposed']!.start.difference, result.variants['proposed']!.start.values, 'every output value compared'),
      paper: { text: '0', value: 0, source: PAPER.zeroConvolutions.source },
    },
    {
      id: 'gaussian-disturbs',
      claim: 'Gaussian-initialised convolutions disturb the locked model from the first step.',
      source: PAPER.gaussian.source,
      test: 'The same difference for the Gaussian variant; above 0 means that the prediction changed.',
      quantity: 'largest difference before training, Gaussian convolutions',
      rule: { kind: 'above', bound: 0 },
      measured: exactly(result.variants['gaussian']!.start.difference, result.variants['gaussian']!.start.values, 'every output value compared'),
      paper: null,
    },
    {
      id: 'sudden-convergence',
      ...PAPER.suddenConvergence,
      test: `Share of the run’s whole rise in edge F1 that falls into its steepest eighth of the steps${jump === null ? '' : ` (here steps ${jump.from} to ${jump.to})`}; a steady rise gives 1/8. More than half counts as sudden.`,
      quantity: 'share of the rise in the steepest eighth of training',
      rule: { kind: 'above', bound: 0.5 },
      measured: jump === null ? null : { value: jump.value, interval: jump.interval, n: jump.images, method: 'percentile bootstrap over images', seeds },
      paper: null,
    },
    {
      id: 'works-without-prompt',
      ...PAPER.allPrompts,
      test: 'Edge F1 with no prompt, minus nine tenths of that with a perfect prompt, image by image: above 0 means that at least 90% of the fidelity needs no prompt.',
      quantity: 'edge F1 without a prompt − 0.9 × with a perfect prompt',
      rule: { kind: 'above', bound: 0 },
      measured: difference(at('proposed', 'none'), at('proposed', 'perfect').map((f) => 0.9 * f)),
      paper: null,
    },
    {
      id: 'zero-beats-gaussian',
      ...PAPER.gaussian,
      test: 'Edge F1 with no prompt, ControlNet minus the Gaussian variant, same noise and training data, paired by image.',
      quantity: 'edge F1, ControlNet − Gaussian, no prompt',
      rule: { kind: 'above', bound: 0 },
      measured: difference(at('proposed', 'none'), at('gaussian', 'none')),
      paper: null,
    },
    {
      id: 'gaussian-equals-lite',
      claim: 'Without zero convolutions ControlNet performs like ControlNet-lite.',
      source: PAPER.gaussian.source,
      test: 'Edge F1 with no prompt, Gaussian minus lite; within ±0.05 counts as alike.',
      quantity: 'edge F1, Gaussian − lite, no prompt',
      rule: { kind: 'within', lo: -0.05, hi: 0.05 },
      measured: difference(at('gaussian', 'none'), at('lite', 'none')),
      paper: null,
    },
    {
      id: 'lite-fails-without-prompt',
      ...PAPER.lite,
      test: 'Edge F1 with no prompt, ControlNet minus ControlNet-lite, paired by image.',
      quantity: 'edge F1, ControlNet − lite, no prompt',
      rule: { kind: 'above', bound: 0 },
      measured: difference(at('proposed', 'none'), at('lite', 'none')),
      paper: null,
    },
  ];

  const rows = ['base', ...variants.map((v) => v.id)];
  const table = (kind: 'tolerant' | 'exact', caption: string): Table => ({
    kind: 'table',
    id: `fidelity-${kind}`,
    caption,
    rowHeader: 'Model',
    columns: promptSettings.map(({ label }) => ({ label, better: 'higher' })),
    rows: rows.map((id) => ({
      label: labelOf(id),
      cells: promptSettings.map((setting) => measured(cellsOf(id)[setting.id]!.fidelity[kind])),
    })),
  });
  const share = (flags: readonly boolean[]): Measurement => measured(flags.map(Number));
  const contentTable: Table = {
    kind: 'table',
    id: 'content',
    caption: 'What the pictures show under a perfect prompt: whether the mini classifier (40 objects) names the object of the large singles, and whether the border has the background colour that the prompt asks for.',
    rowHeader: 'Model',
    columns: [{ label: 'object, top-1', better: 'higher' }, { label: 'background colour', better: 'higher' }],
    rows: rows.map((id) => {
      const cell = cellsOf(id)['perfect']!;
      return { label: labelOf(id), cells: [share(cell.object), share(cell.background)] };
    }),
  };
  const trainingTable: Table = {
    kind: 'table',
    id: 'training',
    caption: 'What was trained, and how far each variant moves the base model’s prediction before its first step.',
    rowHeader: 'Variant',
    columns: [{ label: 'learnable parameters' }, { label: 'steps' }, { label: 'batch' }, { label: 'loss, mean of last 50' }, { label: 'difference at step 0' }],
    rows: variants.map(({ id, label }) => {
      const v = result.variants[id]!;
      return { label, cells: [v.parameters, profile.steps, profile.batchSize, Number(mean(v.losses.slice(-50).map((l) => l.loss)).toFixed(4)), v.start.difference] };
    }),
  };

  const curves: LineFigure = {
    kind: 'line',
    id: 'fidelity-curve',
    caption: `Condition fidelity while training: edge F1 (1 pixel) of ${profile.curve.images} held-out scenes with perfect prompts, ${profile.curve.steps} DDIM steps without guidance, every ${profile.evaluateEvery} steps. Bands: 95% over images.`,
    x: { label: 'training step' },
    y: { label: 'edge F1 (1 px)' },
    series: variants.map(({ id, label }) => {
      const { steps, perImage } = result.variants[id]!.curve.tolerant;
      return { label, x: steps, y: perImage.map(mean), band: perImage.map((row) => meanInterval(row, seed).interval ?? [mean(row), mean(row)] as const), n: profile.curve.images, seeds };
    }),
    // Zero convolutions add nothing before training: ControlNet's first point is the base model under these very settings.
    references: [{ label: 'base model, no control', y: mean(result.variants['proposed']!.curve.tolerant.perImage[0]!) }],
  };
  const losses: LineFigure = {
    kind: 'line',
    id: 'loss-curve',
    caption: 'Training loss (v-prediction), mean of 20 steps. The loss hardly shows what the fidelity curve shows: that a network follows its condition.',
    x: { label: 'training step' },
    y: { label: 'loss' },
    series: variants.map(({ id, label }) => {
      const smooth = smoothed(result.variants[id]!.losses, 20);
      return { label, x: smooth.map((p) => p.step), y: smooth.map((p) => p.loss), n: profile.batchSize * 20, seeds };
    }),
  };
  const bars: BarFigure = {
    kind: 'bar',
    id: 'fidelity-bars',
    caption: 'Condition fidelity after training, by prompt setting: edge F1 (1 pixel), 95% intervals over images.',
    categories: promptSettings.map(({ label }) => label),
    y: { label: 'edge F1 (1 px)' },
    series: rows.map((id) => ({ label: labelOf(id), values: promptSettings.map((setting) => measured(at(id, setting.id))) })),
  };

  const sections: Section[] = [
    {
      id: 'pictures',
      title: 'The pictures',
      blocks: [
        { kind: 'prose', text: 'Each row is one held-out scene. Every model draws it from the same noise under the four prompt settings; the number under a picture is its edge F1 (1 pixel) against the condition.' },
        grid(result),
      ],
    },
    {
      id: 'convergence',
      title: 'Does control come suddenly?',
      blocks: [
        { kind: 'prose', text: convergenceText(result, jump) },
        curves,
        losses,
      ],
    },
    {
      id: 'fidelity',
      title: 'Condition fidelity',
      blocks: [
        { kind: 'prose', text: `Edges are extracted again from the generated pictures with the extractor that made the condition, and compared pixel by pixel: F1, with a tolerance of one pixel and exactly. ${images} scenes; the base model without control is the floor. ${PAPER.noNumbers}` },
        bars,
        table('tolerant', 'Edge F1 with one pixel of tolerance.'),
        table('exact', 'Edge F1, exact. Decoding through the autoencoder alone costs part of it.'),
        contentTable,
      ],
    },
    {
      id: 'training-details',
      title: 'Training',
      blocks: [
        trainingTable,
        { kind: 'prose', text: variants.map(({ label, description }) => `**${label}**: ${description}.`).join('\n\n') },
        { kind: 'prose', text: `All variants: AdamW, learning rate ${profile.learningRate} after ${profile.warmup} steps of warm-up, batch ${profile.batchSize}, ${Math.round(profile.promptDrop * 100)}% of prompts dropped, the same scenes, noise and timesteps in the same order; the base model is locked. Final pictures: ${profile.final.steps} DDIM steps, guidance ${profile.final.guidanceScale}.` },
        { kind: 'note', text: 'One seed and a small model: intervals are over images, not over trainings. The quick profile shows the mechanism in minutes; it does not settle a claim about Stable Diffusion.' },
      ],
    },
  ];

  return {
    id: 'ablation',
    title: 'ControlNet ablation: zero convolutions, Gaussian convolutions, ControlNet-lite',
    summary: summary(result, jump),
    claims,
    sections,
    provenance,
    attribution: [{ work: 'OpenMoji', author: 'the OpenMoji project', license: 'CC BY-SA 4.0', url: 'https://openmoji.org', note: attributions.openmoji }],
  };
}

const f2 = (x: number): string => x.toFixed(2);

function summary(result: AblationResult, jump: Jump | null): string {
  const score = (id: string, prompt: string): string => f2(mean(result.variants[id]!.cells[prompt]!.fidelity.tolerant));
  const { profile } = result;
  return `Three control networks were trained for ${profile.steps} steps of ${profile.batchSize} on the same frozen mini Stable Diffusion, with Canny edges as the condition and half of the prompts dropped. Edge F1 (1 px) with a perfect prompt: ControlNet ${score('proposed', 'perfect')}, Gaussian ${score('gaussian', 'perfect')}, lite ${score('lite', 'perfect')}; with no prompt: ${score('proposed', 'none')}, ${score('gaussian', 'none')}, ${score('lite', 'none')}; the base model without control reaches ${f2(mean(result.base['perfect']!.fidelity.tolerant))}.${jump === null ? '' : ` ${Math.round(jump.value * 100)}% of ControlNet’s rise falls between steps ${jump.from} and ${jump.to}.`}`;
}

function convergenceText(result: AblationResult, jump: Jump | null): string {
  const { steps, perImage } = result.variants['proposed']!.curve.tolerant;
  const at = (step: number): string => f2(mean(perImage[steps.indexOf(step)]!));
  const course = `The paper reports that control appears abruptly. Here ControlNet’s edge F1 goes from ${at(steps[0]!)} before training to ${at(steps.at(-1)!)} after ${steps.at(-1)} steps`;
  if (jump === null) return `${course}: it did not rise, so there is no jump to look for.`;
  return `${course}; its steepest eighth of the run, steps ${jump.from} to ${jump.to}, takes it from ${at(jump.from)} to ${at(jump.to)}, ${Math.round(jump.value * 100)}% of the whole rise (95% interval ${f2(jump.interval[0])} to ${f2(jump.interval[1])}). A steady rise would give ${100 * JUMP_WINDOW}%.`;
}

/** A map as an RGB image. */
const grey = (map: Uint8Array): Uint8Array => Uint8Array.from({ length: map.length * 3 }, (_, i) => map[Math.floor(i / 3)]!);

function smoothed(losses: readonly { step: number; loss: number }[], window: number): { step: number; loss: number }[] {
  const out: { step: number; loss: number }[] = [];
  for (let i = window; i <= losses.length; i += window) out.push({ step: losses[i - 1]!.step, loss: mean(losses.slice(i - window, i).map((l) => l.loss)) });
  return out;
}

function grid({ scenes, variants: results, base }: AblationResult): ImageGrid {
  const rgb = (image: Uint8Array, alt: string, caption?: string): GridImage => ({ rgb: image, width: IMAGE_SIZE, height: IMAGE_SIZE, alt, ...(caption === undefined ? {} : { caption }) });
  const shown = [...variants.flatMap(({ id, label }) => promptSettings.map((setting) => ({ cells: results[id]!.cells, label, setting }))), { cells: base, label: labelOf('base'), setting: promptSettings.at(-1)! }];
  return {
    kind: 'image-grid',
    id: 'grid',
    caption: 'Condition, scene, then each variant under each prompt setting, and the base model without control under the perfect prompt.',
    columns: ['condition', 'scene', ...shown.map(({ label, setting }) => ({ group: label, label: setting.label }))],
    rows: scenes.map(({ spec, rgb8, canny }, i) => {
      const prompt = promptSettings.find((s) => s.id === 'perfect')!.prompt(spec, 'quick');
      return {
        label: `${i + 1}`,
        detail: prompt,
        images: [
          rgb(grey(canny), `Canny edges of: ${prompt}`),
          rgb(rgb8, prompt),
          ...shown.map(({ cells, label, setting }) => {
            const cell = cells[setting.id]!;
            return rgb(cell.images[i]!, `${label}, ${setting.label} prompt, for: ${prompt}`, f2(cell.fidelity.tolerant[i]!));
          }),
        ],
      };
    }),
  };
}
