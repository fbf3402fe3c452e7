import {
  meanInterval,
  pairedDifferenceInterval,
  type BarFigure,
  type Claim,
  type GridImage,
  type ImageGrid,
  type LineFigure,
  type Measurement,
  type Provenance,
  type Report,
  type Section,
  type Table,
} from '@controllab/report';
import { attributions, type Tier } from '@controllab/emoji-scenes';
import { IMAGE_SIZE } from '@controllab/mini-sd';
import type { TrainingResult } from '@controllab/training';
import { PAPER } from '../paper-values.ts';
import type { Cell, Cells } from './compare.ts';
import { controls, type Control } from './controls.ts';
import { JUMP_WINDOW, jumpShare, type Curve, type Jump } from './convergence.ts';
import { promptSettings, variants, type AblationProfile } from './design.ts';
import type { HeldOutScene } from './held-out.ts';
import { mean } from './statistics.ts';

/** One training of one variant, and what it drew. */
export interface Training {
  parameters: number;
  start: { difference: number; values: number };
  losses: TrainingResult['losses'];
  curve: Curve;
  timing: { samplesPerSecond: number; waitShare: number };
  cells: Cells;
}

export interface AblationResult {
  profile: AblationProfile;
  seeds: readonly number[];
  scenes: readonly HeldOutScene[];
  tier: Tier;
  /** By control, variant and place of the seed. */
  trained: Record<string, Record<string, Training[]>>;
  /** The base model's pictures, held against each control's conditions: by control and place of the seed. */
  base: Record<string, Cells[]>;
  /** Frechet distance of the evaluated scenes themselves: the floor at their number. */
  realFrechet: number;
  /** Mean mini-aesthetic score of the same. */
  realAesthetic: number;
}

const labelOf = (id: string): string => variants.find((v) => v.id === id)?.label ?? 'base model, no control';
const rows = ['base', ...variants.map((v) => v.id)];

/** All that the report says of one control. */
class ControlView {
  readonly control: Control;
  readonly jumps: (Jump | null)[];
  readonly #result: AblationResult;

  constructor(control: Control, result: AblationResult) {
    this.control = control;
    this.#result = result;
    this.jumps = this.trainings('proposed').map(({ curve }) => jumpShare(curve));
  }

  trainings(id: string): Training[] {
    return this.#result.trained[this.control.id]![id]!;
  }

  /** A model's cells under one prompt setting, by seed. */
  cells(id: string, prompt: string): Cell[] {
    const all = id === 'base' ? this.#result.base[this.control.id]! : this.trainings(id).map(({ cells }) => cells);
    return all.map((cells) => cells[prompt]!);
  }

  /**
   * Samples for an interval: the images of one training, or with several seeds one mean a training. Images of several trainings are never
   * mixed: they are not independent.
   */
  samples(id: string, prompt: string, pick: (cell: Cell) => readonly number[]): number[] {
    const bySeed = this.cells(id, prompt).map(pick);
    return bySeed.length === 1 ? [...bySeed[0]!] : bySeed.map(mean);
  }

  fidelity(id: string, prompt: string): number[] {
    return this.samples(id, prompt, (cell) => cell.fidelity);
  }
}

/** The report of one run, from its results alone: the same results give the same report. */
export function ablationReport(result: AblationResult, provenance: Provenance): Report {
  const { seeds, profile, scenes } = result;
  const seed = seeds[0]!;
  const views = profile.controls.map(
    (id) =>
      new ControlView(
        controls.find((c) => c.id === id)!,
        result,
      ),
  );
  const measured = (samples: readonly number[]): Measurement => ({ ...meanInterval(samples, seed), seeds });
  const difference = (a: readonly number[], b: readonly number[]): Measurement => ({ ...pairedDifferenceInterval(a, b, seed), seeds });
  const images = scenes.length;
  const over = seeds.length === 1 ? 'images' : `${seeds.length} seeds`;
  const paired = seeds.length === 1 ? 'paired by image' : 'paired by seed';

  const claimsOf = (view: ControlView): Claim[] => {
    const { control } = view;
    const several = views.length > 1;
    const id = (name: string): string => (several ? `${control.id}-${name}` : name);
    const claim = ({ claim: text, source }: { claim: string; source: string }): { claim: string; source: string } => ({
      claim: several ? `${text} (Here: ${control.label}.)` : text,
      source,
    });
    const start = (variant: string): Measurement => {
      const differences = view.trainings(variant).map((t) => t.start.difference);
      const n = view.trainings(variant).reduce((sum, t) => sum + t.start.values, 0);
      return {
        value: Math.max(...differences),
        interval: [Math.min(...differences), Math.max(...differences)],
        n,
        method: 'every output value compared',
        seeds,
      };
    };
    const jumps = view.jumps.filter((jump) => jump !== null);
    const jump: Measurement | null =
      jumps.length < seeds.length
        ? null
        : seeds.length === 1
          ? { value: jumps[0]!.value, interval: jumps[0]!.interval, n: jumps[0]!.images, method: 'percentile bootstrap over images', seeds }
          : measured(jumps.map(({ value }) => value));
    const where = jumps.map(({ from, to }) => `${from} to ${to}`).join(', ');
    return [
      {
        id: id('zero-convolutions'),
        ...claim(PAPER.zeroConvolutions),
        test: 'Largest absolute difference between the base model’s prediction with and without the untrained ControlNet, over every output value. The claim asks for exactly 0.',
        quantity: 'largest difference before training, zero convolutions',
        rule: { kind: 'within', lo: 0, hi: 0 },
        measured: start('proposed'),
        paper: { text: '0', value: 0, source: PAPER.zeroConvolutions.source },
      },
      {
        id: id('gaussian-disturbs'),
        ...claim({
          claim: 'Gaussian-initialised convolutions disturb the locked model from the first step.',
          source: PAPER.gaussian.source,
        }),
        test: 'The same difference for the Gaussian variant; above 0 means that the prediction changed.',
        quantity: 'largest difference before training, Gaussian convolutions',
        rule: { kind: 'above', bound: 0 },
        measured: start('gaussian'),
        paper: null,
      },
      {
        id: id('sudden-convergence'),
        ...claim(PAPER.suddenConvergence),
        test: `Share of the run’s whole rise in ${control.measure} that falls into its steepest eighth of the steps${jumps.length === 0 ? '' : ` (here steps ${where})`}; a steady rise gives 1/8. More than half counts as sudden.`,
        quantity: 'share of the rise in the steepest eighth of training',
        rule: { kind: 'above', bound: 0.5 },
        measured: jump,
        paper: null,
      },
      {
        id: id('works-without-prompt'),
        ...claim(PAPER.allPrompts),
        test: `The ${control.measure} with no prompt, minus nine tenths of that with a perfect prompt, ${paired}: above 0 means that at least 90% of the fidelity needs no prompt.`,
        quantity: `${control.measure} without a prompt − 0.9 × with a perfect prompt`,
        rule: { kind: 'above', bound: 0 },
        measured: difference(
          view.fidelity('proposed', 'none'),
          view.fidelity('proposed', 'perfect').map((f) => 0.9 * f),
        ),
        paper: null,
      },
      {
        id: id('zero-beats-gaussian'),
        ...claim(PAPER.gaussian),
        test: `The ${control.measure} with no prompt, ControlNet minus the Gaussian variant, same noise and training data, ${paired}.`,
        quantity: `${control.measure}, ControlNet − Gaussian, no prompt`,
        rule: { kind: 'above', bound: 0 },
        measured: difference(view.fidelity('proposed', 'none'), view.fidelity('gaussian', 'none')),
        paper: null,
      },
      {
        id: id('gaussian-equals-lite'),
        ...claim({ claim: 'Without zero convolutions ControlNet performs like ControlNet-lite.', source: PAPER.gaussian.source }),
        test: `The ${control.measure} with no prompt, Gaussian minus lite, ${paired}; within ±0.05 counts as alike.`,
        quantity: `${control.measure}, Gaussian − lite, no prompt`,
        rule: { kind: 'within', lo: -0.05, hi: 0.05 },
        measured: difference(view.fidelity('gaussian', 'none'), view.fidelity('lite', 'none')),
        paper: null,
      },
      {
        id: id('lite-fails-without-prompt'),
        ...claim(PAPER.lite),
        test: `The ${control.measure} with no prompt, ControlNet minus ControlNet-lite, ${paired}.`,
        quantity: `${control.measure}, ControlNet − lite, no prompt`,
        rule: { kind: 'above', bound: 0 },
        measured: difference(view.fidelity('proposed', 'none'), view.fidelity('lite', 'none')),
        paper: null,
      },
    ];
  };

  const promptTable = (
    view: ControlView,
    id: string,
    caption: string,
    better: 'higher' | 'lower',
    samples: (model: string, prompt: string) => readonly number[],
  ): Table => ({
    kind: 'table',
    id: `${view.control.id}-${id}`,
    caption,
    rowHeader: 'Model',
    columns: promptSettings.map(({ label }) => ({ label, better })),
    rows: rows.map((model) => ({ label: labelOf(model), cells: promptSettings.map((setting) => measured(samples(model, setting.id))) })),
  });
  const contentTable = (view: ControlView): Table => ({
    kind: 'table',
    id: `${view.control.id}-content`,
    caption:
      'What the pictures show under a perfect prompt: whether mini-inception names the object of the large singles, and whether the border has the background colour that the prompt asks for.',
    rowHeader: 'Model',
    columns: [
      { label: 'object, top-1', better: 'higher' },
      { label: 'background colour', better: 'higher' },
    ],
    rows: rows.map((id) => ({
      label: labelOf(id),
      cells: [
        measured(view.samples(id, 'perfect', (cell) => cell.object.map(Number))),
        measured(view.samples(id, 'perfect', (cell) => cell.background.map(Number))),
      ],
    })),
  });
  const trainingTable = (view: ControlView): Table => ({
    kind: 'table',
    id: `${view.control.id}-training`,
    caption: 'What was trained, and how far each variant moves the base model’s prediction before its first step.',
    rowHeader: 'Variant',
    columns: [
      { label: 'learnable parameters' },
      { label: 'steps' },
      { label: 'batch' },
      { label: 'loss, mean of last 50' },
      { label: 'difference at step 0' },
    ],
    rows: variants.map(({ id, label }) => {
      const trainings = view.trainings(id);
      const loss = mean(trainings.map(({ losses }) => mean(losses.slice(-50).map((l) => l.loss))));
      return {
        label,
        cells: [
          trainings[0]!.parameters,
          profile.steps,
          profile.batchSize,
          Number(loss.toFixed(4)),
          Math.max(...trainings.map((t) => t.start.difference)),
        ],
      };
    }),
  });
  const curves = (view: ControlView): LineFigure => ({
    kind: 'line',
    id: `${view.control.id}-curve`,
    caption: `Condition fidelity while training: ${view.control.measure} of ${profile.curve.images} held-out scenes with perfect prompts, ${profile.curve.steps} DDIM steps without guidance, every ${profile.evaluateEvery} steps. Bands: 95% over ${over}.`,
    x: { label: 'training step' },
    y: { label: view.control.measure },
    series: variants.map(({ id, label }) => {
      const trainings = view.trainings(id);
      const points = trainings[0]!.curve.steps.map((_, k) =>
        seeds.length === 1 ? trainings[0]!.curve.perImage[k]! : trainings.map(({ curve }) => mean(curve.perImage[k]!)),
      );
      return {
        label,
        x: trainings[0]!.curve.steps,
        y: points.map(mean),
        band: points.map((point) => meanInterval(point, seed).interval ?? ([mean(point), mean(point)] as const)),
        n: points[0]!.length,
        seeds,
      };
    }),
    // Zero convolutions add nothing before training: ControlNet's first point is the base model under these very settings.
    references: [{ label: 'base model, no control', y: mean(view.trainings('proposed').map(({ curve }) => mean(curve.perImage[0]!))) }],
  });
  const losses = (view: ControlView): LineFigure => ({
    kind: 'line',
    id: `${view.control.id}-loss`,
    caption: `Training loss (v-prediction), mean of 20 steps${seeds.length === 1 ? '' : `, seed ${seed}`}. The loss hardly shows what the fidelity curve shows: that a network follows its condition.`,
    x: { label: 'training step' },
    y: { label: 'loss' },
    series: variants.map(({ id, label }) => {
      const smooth = smoothed(view.trainings(id)[0]!.losses, 20);
      return { label, x: smooth.map((p) => p.step), y: smooth.map((p) => p.loss), n: profile.batchSize * 20, seeds: [seed] };
    }),
  });
  const bars = (view: ControlView): BarFigure => ({
    kind: 'bar',
    id: `${view.control.id}-bars`,
    caption: `Condition fidelity after training, by prompt setting: ${view.control.measure}, 95% intervals over ${over}.`,
    categories: promptSettings.map(({ label }) => label),
    y: { label: view.control.measure },
    series: rows.map((id) => ({ label: labelOf(id), values: promptSettings.map((setting) => measured(view.fidelity(id, setting.id))) })),
  });

  const sectionsOf = (view: ControlView): Section[] => {
    const { control } = view;
    const title = (text: string): string => (views.length === 1 ? text : `${capitalised(control.label)}: ${text.toLowerCase()}`);
    const exact = view.cells('base', 'none')[0]!.exact !== null;
    return [
      {
        id: `${control.id}-pictures`,
        title: title('The pictures'),
        blocks: [
          {
            kind: 'prose',
            text: `Each row is one held-out scene. Every model draws it from the same noise under the four prompt settings${seeds.length === 1 ? '' : ` (seed ${seed})`}; the number under a picture is its ${control.measure} against the condition.`,
          },
          grid(view, result),
        ],
      },
      {
        id: `${control.id}-convergence`,
        title: title('Does control come suddenly?'),
        blocks: [{ kind: 'prose', text: convergenceText(view) }, curves(view), losses(view)],
      },
      {
        id: `${control.id}-fidelity`,
        title: title('Condition fidelity'),
        blocks: [
          {
            kind: 'prose',
            text: `${control.method} ${images} scenes${seeds.length === 1 ? '' : ` from each of ${seeds.length} trainings`}; the base model without control is the floor. ${PAPER.noNumbers}`,
          },
          bars(view),
          promptTable(view, 'tolerant', `Condition fidelity: ${control.measure}.`, 'higher', (id, prompt) => view.fidelity(id, prompt)),
          ...(exact
            ? [
                promptTable(
                  view,
                  'exact',
                  'Edge F1, exact. Decoding through the autoencoder alone costs part of it.',
                  'higher',
                  (id, prompt) => view.samples(id, prompt, (cell) => cell.exact!),
                ),
              ]
            : []),
        ],
      },
      {
        id: `${control.id}-quality`,
        title: title('What the pictures show'),
        blocks: [
          promptTable(
            view,
            'clip',
            'CLIP score (mini): raw cosine of each picture and its scene’s true caption, by a mini-CLIP that had no part in drawing it.',
            'higher',
            (id, prompt) => view.samples(id, prompt, (cell) => cell.clip),
          ),
          promptTable(
            view,
            'aesthetic',
            `Mini-aesthetic score: how little blur, noise, blocks or colour cast a predictor sees that learnt to rank such degradations. The evaluated scenes themselves reach ${f2(result.realAesthetic)}.`,
            'higher',
            (id, prompt) => view.samples(id, prompt, (cell) => cell.aesthetic),
          ),
          promptTable(
            view,
            'frechet',
            `Fréchet distance (mini-inception) of ${images} pictures to 1,024 real scenes. The evaluated scenes themselves reach ${result.realFrechet.toFixed(1)} at that number: what so few pictures cost.`,
            'lower',
            (id, prompt) => view.cells(id, prompt).map((cell) => cell.frechet),
          ),
          contentTable(view),
        ],
      },
      { id: `${control.id}-training-details`, title: title('Training'), blocks: [trainingTable(view)] },
    ];
  };

  const sections: Section[] = [
    ...views.flatMap(sectionsOf),
    {
      id: 'settings',
      title: 'Settings',
      blocks: [
        { kind: 'prose', text: variants.map(({ label, description }) => `**${label}**: ${description}.`).join('\n\n') },
        {
          kind: 'prose',
          text: `All variants: AdamW, learning rate ${profile.learningRate} after ${profile.warmup} steps of warm-up, batch ${profile.batchSize}, ${Math.round(profile.promptDrop * 100)}% of prompts dropped, the same scenes, noise and timesteps in the same order; the base model is locked. Final pictures: ${profile.final.steps} DDIM steps, guidance ${profile.final.guidanceScale}.`,
        },
        {
          kind: 'note',
          text:
            seeds.length === 1
              ? 'One seed and a small model: intervals are over images, not over trainings. The quick profile shows the mechanism in minutes; it does not settle a claim about Stable Diffusion.'
              : 'A small model: what it shows is the mechanism, not Stable Diffusion’s numbers. Intervals are over trainings from different seeds.',
        },
      ],
    },
  ];

  return {
    id: 'ablation',
    title: 'ControlNet ablation: zero convolutions, Gaussian convolutions, ControlNet-lite',
    summary: summary(views, result),
    claims: views.flatMap(claimsOf),
    sections,
    provenance,
    attribution: [attributions.openmoji],
  };
}

const f2 = (x: number): string => x.toFixed(2);
const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function summary(views: readonly ControlView[], { profile, seeds }: AblationResult): string {
  const training = `Three control networks were trained for ${profile.steps} steps of ${profile.batchSize} on the same frozen mini Stable Diffusion, with half of the prompts dropped${seeds.length === 1 ? '' : `, from ${seeds.length} seeds each`}.`;
  const results = views.map((view) => {
    const score = (id: string, prompt: string): string => f2(mean(view.fidelity(id, prompt)));
    const each = (prompt: string): string => variants.map(({ id, label }) => `${label} ${score(id, prompt)}`).join(', ');
    const jump = view.jumps[0];
    return `${capitalised(view.control.label)}, ${view.control.measure} with a perfect prompt: ${each('perfect')}; with no prompt: ${each('none')}; the base model without control reaches ${score('base', 'perfect')}.${jump === undefined || jump === null || seeds.length > 1 ? '' : ` ${Math.round(jump.value * 100)}% of ControlNet’s rise falls between steps ${jump.from} and ${jump.to}.`}`;
  });
  return [training, ...results].join(' ');
}

function convergenceText(view: ControlView): string {
  const jump = view.jumps[0];
  const { steps, perImage } = view.trainings('proposed')[0]!.curve;
  const at = (step: number): string => f2(mean(perImage[steps.indexOf(step)]!));
  const course = `The paper reports that control appears abruptly. Here${view.jumps.length === 1 ? '' : ', in the first training,'} ControlNet’s ${view.control.measure} goes from ${at(steps[0]!)} before training to ${at(steps.at(-1)!)} after ${steps.at(-1)} steps`;
  if (jump === undefined || jump === null) return `${course}: it did not rise, so there is no jump to look for.`;
  return `${course}; its steepest eighth of the run, steps ${jump.from} to ${jump.to}, takes it from ${at(jump.from)} to ${at(jump.to)}, ${Math.round(jump.value * 100)}% of the whole rise (95% interval ${f2(jump.interval[0])} to ${f2(jump.interval[1])}). A steady rise would give ${100 * JUMP_WINDOW}%.`;
}

function smoothed(losses: readonly { step: number; loss: number }[], window: number): { step: number; loss: number }[] {
  const out: { step: number; loss: number }[] = [];
  for (let i = window; i <= losses.length; i += window)
    out.push({ step: losses[i - 1]!.step, loss: mean(losses.slice(i - window, i).map((l) => l.loss)) });
  return out;
}

function grid(view: ControlView, { scenes, tier, profile }: AblationResult): ImageGrid {
  const { control } = view;
  const rgb = (image: Uint8Array, alt: string, caption?: string): GridImage => ({
    rgb: image,
    width: IMAGE_SIZE,
    height: IMAGE_SIZE,
    alt,
    ...(caption === undefined ? {} : { caption }),
  });
  const shown = [
    ...variants.flatMap(({ id, label }) => promptSettings.map((setting) => ({ id, label, setting }))),
    { id: 'base', label: labelOf('base'), setting: promptSettings.at(-1)! },
  ];
  const { singles, pairs } = profile.shown;
  const kept = [...Array.from({ length: singles }, (_, i) => i), ...Array.from({ length: pairs }, (_, i) => profile.final.singles + i)];
  return {
    kind: 'image-grid',
    id: `${control.id}-grid`,
    caption: 'Condition, scene, then each variant under each prompt setting, and the base model without control under the perfect prompt.',
    columns: ['condition', 'scene', ...shown.map(({ label, setting }) => ({ group: label, label: setting.label }))],
    rows: kept.map((i) => {
      const { spec, rgb8, pictures } = scenes[i]!;
      const prompt = promptSettings.find((s) => s.id === 'perfect')!.prompt(spec, tier);
      return {
        label: `${i + 1}`,
        detail: prompt,
        images: [
          rgb(pictures[control.id], `${control.label} of: ${prompt}`),
          rgb(rgb8, prompt),
          ...shown.map(({ id, label, setting }) => {
            const cell = view.cells(id, setting.id)[0]!;
            return rgb(cell.images[i]!, `${label}, ${setting.label} prompt, for: ${prompt}`, f2(cell.fidelity[i]!));
          }),
        ],
      };
    }),
  };
}
