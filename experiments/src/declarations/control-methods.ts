import { controlLora, controlNetXs, ldmConcatenation, piti, t2iAdapter } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Method } from '@controllab/core-blocks';
import { vqTransformer, type CodeModel } from '@controllab/mini-sd';
import type { Claim, Table } from '@controllab/report';
import { profiles, tuned, undrawn } from './arms.ts';
import { measureTable } from '../comparison/view/blocks/measures.ts';
import { sideBySide } from '../comparison/view/blocks/pictures.ts';
import { costTable, trainingTable } from '../comparison/view/blocks/trainings.ts';
import { comparison } from '../comparison/comparison.ts';
import { REAL } from '../comparison/compute/judging/judge.ts';
import { BASE, shownAs, type Arm, type Experiment, type Profile } from '../comparison/experiment.ts';
import { aestheticScore, clipScore, conditionFidelity, frechet } from '../comparison/compute/judging/measures.ts';
import { frontMembership, paretoFront } from '../comparison/view/statistics/pareto.ts';
import { mean, type Panel, type Samples, type View } from '../comparison/view/view.ts';
import { PAPER_QUALITY } from '../paper-values.ts';

const armOf = (method: Method | CodeModel): Arm => ({ id: method.id, label: method.label, description: method.description, method });

/** The paper's and its discussion's, at the rates that were screened for them; the others at ControlNet's, which nobody screened. */
const named: Readonly<Record<string, string>> = { proposed: 'controlnet', lite: 'controlnet-lite', mlp: 'controlnet-mlp' };
const equalSteps: readonly Arm[] = [
  ...tuned.filter(({ id }) => id in named).map((arm) => ({ ...arm, id: named[arm.id]! })),
  ...[controlNeXt(), controlNetXs(), controlLora(), t2iAdapter()].map(armOf),
  // The whole pretrained U-Net trains: at the rate of new layers it would lose what it knows, and at a tenth new layers would hardly learn.
  armOf(ldmConcatenation({ baseRate: 0.1 })),
  armOf(piti()),
];

/** Beyond what claims and the paper's table are about, two trainings show the direction. */
const FEW = 2;

/** LDM's own row, and VQGAN's: from scratch at the control's budget, and at four times as much. */
const scratch: readonly Arm[] = [armOf(ldmConcatenation({ base: 'random' })), armOf(vqTransformer())];
const fromScratch: readonly Arm[] = scratch.flatMap((arm) => [
  arm,
  {
    ...arm,
    id: `${arm.id}-4`,
    label: `${arm.label}, 4 × the steps`,
    description: `${arm.description}; four times the steps of the others`,
    recipe: ({ steps }) => ({ steps: 4 * steps }),
    seeds: FEW,
  },
]);

/** PITI's second stage: behind the encoder's training, encoder and U-Net together. */
const finetuned: Arm = {
  ...armOf(piti({ jointRate: 0.1 })),
  label: 'PITI, both stages',
  description: `${piti().description}, and for as many steps again the U-Net trains too, at a tenth of the encoder’s rate`,
  from: equalSteps.find(({ id }) => id === 'piti')!,
  seeds: FEW,
};

/** Millions of multiply-accumulates of one training step of 8 examples on the embedded default. A test counts them again. */
export const STEP_MMACS: Readonly<Record<string, number>> = {
  controlnet: 7951,
  'controlnet-lite': 6418,
  'controlnet-mlp': 5048,
  controlnext: 18339,
  'controlnet-xs': 6486,
  't2i-adapter': 6614,
  'ldm-concatenation': 8912,
};

/** The same for as many operations as ControlNet's training takes; Control-LoRA's and PITI's take as many at equal steps, within 2%. */
const equalFlops: readonly Arm[] = equalSteps
  .filter(({ id }) => id !== 'controlnet' && id in STEP_MMACS)
  .map((arm) => ({
    ...arm,
    id: `${arm.id}-flops`,
    label: `${arm.label}, equal FLOPs`,
    description: `${arm.description}; as many operations as ControlNet's training`,
    recipe: ({ steps }) => ({
      ...arm.recipe,
      steps: 10 * Math.max(1, Math.round((steps * STEP_MMACS['controlnet']!) / STEP_MMACS[arm.id]! / 10)),
    }),
    seeds: FEW,
  }));

const PROMPT = 'perfect';

/** Least effects of interest. */
const LEAST = { iou: 0.02, clip: 0.01 };

/** Why of two distances the difference is judged, and of that the sign alone. */
const FLOOR =
  'Most of either distance is the floor of so few pictures, which their difference has not in it, and no least effect is known at this scale: any difference above 0 counts.';

function claims(view: View): Claim[] {
  const shownIn = view.panels[0]!.id('quality');
  const of = (id: string, text: Pick<Claim, 'claim' | 'source' | 'test' | 'quantity' | 'rule'>, measured: Parameters<View['claim']>[1]) =>
    view.claim({ ...text, id, primary: true, shownIn }, measured);
  const minus = (a: string, b: string, measure: string, range: readonly [number, number] | null) => (panel: Panel) =>
    view.difference(panel.samples(a, PROMPT, measure), panel.samples(b, PROMPT, measure), range);
  return [
    of(
      'iou-over-lite',
      {
        ...PAPER_QUALITY.closer,
        test: `mIoU with a perfect prompt, ControlNet minus ControlNet-lite, same noise and data; the paper's difference is 0.03. Less than ${LEAST.iou} counts as none.`,
        quantity: 'mIoU, ControlNet − ControlNet-lite',
        rule: { kind: 'above', bound: LEAST.iou },
      },
      minus('controlnet', 'controlnet-lite', 'fidelity', [0, 1]),
    ),
    of(
      'frechet-under-lite',
      {
        ...PAPER_QUALITY.better,
        test: `Fréchet distance of ControlNet-lite minus ControlNet's; the paper's, of another Inception network, is 2.65. ${FLOOR}`,
        quantity: 'Fréchet distance, ControlNet-lite − ControlNet',
        rule: { kind: 'above', bound: 0 },
      },
      minus('controlnet-lite', 'controlnet', 'frechet', null),
    ),
    of(
      'clip-like-lite',
      {
        ...PAPER_QUALITY.alike,
        test: `CLIP score with a perfect prompt, ControlNet minus ControlNet-lite; within ±${LEAST.clip} counts as alike.`,
        quantity: 'CLIP score, ControlNet − ControlNet-lite',
        rule: { kind: 'within', lo: -LEAST.clip, hi: LEAST.clip },
      },
      minus('controlnet', 'controlnet-lite', 'clip', [-1, 1]),
    ),
    of(
      'frechet-over-base',
      {
        ...PAPER_QUALITY.farther,
        test: `ControlNet's Fréchet distance minus the base model's without control; the paper's, of another Inception network, is 9.18. ${FLOOR}`,
        quantity: 'Fréchet distance, ControlNet − base model',
        rule: { kind: 'above', bound: 0 },
      },
      minus('controlnet', BASE, 'frechet', null),
    ),
    of(
      'xs-like-controlnet',
      {
        claim: 'A thin encoder that is connected in both directions follows the condition as closely as a whole copy.',
        source: 'ControlNet-XS (arXiv 2312.06573), abstract',
        test: `mIoU with a perfect prompt, ControlNet-XS minus ControlNet at equal steps; up to ${LEAST.iou} less counts as as closely.`,
        quantity: 'mIoU, ControlNet-XS − ControlNet',
        rule: { kind: 'above', bound: -LEAST.iou },
      },
      minus('controlnet-xs', 'controlnet', 'fidelity', [0, 1]),
    ),
  ];
}

const learnable = (panel: Panel, arm: string): number => {
  const { control, inBase } = panel.trainings(arm)[0]!.parameters;
  return control + inBase;
};

/** Which methods no other one beats in Fréchet distance, mIoU and learnable parameters at once. */
function paretoTable(view: View, panel: Panel): Table {
  const arms = view.arms.filter(({ id }) => equalSteps.some((arm) => arm.id === id));
  const coordinates = arms.map(({ id }) => {
    const [distances, fidelities] = ['frechet', 'fidelity'].map((measure) => panel.samples(id, PROMPT, measure).map(mean)) as [
      number[],
      number[],
    ];
    return distances.map((distance, training) => [distance, -fidelities[training]!, learnable(panel, id)]);
  });
  const front = paretoFront(coordinates.map((each) => each[0]!.map((_, i) => mean(each.map((training) => training[i]!)))));
  const several = view.seeds.length > 1;
  const membership = several ? frontMembership(coordinates, view.seeds[0]!) : null;
  return {
    kind: 'table',
    id: panel.id('pareto'),
    caption: `Pareto front at equal steps of Fréchet distance, mIoU and learnable parameters: which methods no other one is as good as in all three. ${several ? `Membership: the share of 2,000 resamples of the ${view.seeds.length} trainings in which a method is on the front.` : 'One training has no resamples.'}`,
    rowHeader: 'Method',
    columns: [{ label: 'on the front' }, { label: 'membership', decimals: 2 }, { label: 'learnable parameters', better: 'lower' }],
    rows: arms.map(({ id, label }, i) => ({
      label,
      arm: id,
      cells: [front[i] ? 'yes' : 'no', membership === null ? null : membership[i]!, learnable(panel, id)],
    })),
  };
}

/** Fréchet distances of the pictures of all trainings, for those of which there are as many as of scenes. */
function pooledTable(panel: Panel): Table {
  const { value: floor, pictures } = panel.pooled(REAL, PROMPT, 'frechet');
  const drawings = panel.drawings.filter(({ id }) => panel.pooled(id, PROMPT, 'frechet').pictures === pictures);
  return {
    kind: 'table',
    id: panel.id('pooled'),
    caption: `Fréchet distance (mini-inception) of the pictures of all trainings together, ${pictures.toLocaleString('en')} of each, to 1,024 real scenes: one number, without an interval. The evaluated scenes themselves: ${floor.toFixed(2)}, the floor of so many pictures.`,
    rowHeader: 'Model',
    columns: [{ label: 'Fréchet distance', better: 'lower', decimals: 2 }],
    rows: drawings.map((drawing) => ({
      label: drawing.label,
      arm: shownAs(drawing),
      cells: [panel.pooled(drawing.id, PROMPT, 'frechet').value],
    })),
  };
}

/** The arm at equal steps that an arm of another budget stands beside. */
const counterpart = (id: string): string => (id === finetuned.id ? finetuned.from!.id : id.replace(/-(flops|4)$/, ''));

/** What another budget gives: arms of few seeds against the same at equal steps, paired. */
function budgetTable(view: View, panel: Panel): Table {
  const measures = ['frechet', 'clip', 'aesthetic', 'fidelity'].map((id) => view.measure(id));
  return {
    kind: 'table',
    id: panel.id('budgets'),
    caption: `What another budget gives: each of these minus the same method at equal steps, on the scenes and the noise of the ${FEW} seeds that it has. No verdict rests on so few.`,
    rowHeader: 'Model',
    columns: measures.map((measure) => ({ label: measure.label(panel.condition) })),
    rows: view.arms
      .filter(({ id }) => !STEPS_ALONE.includes(id))
      .map(({ id, label }) => ({
        label,
        arm: id,
        cells: measures.map((measure) => {
          const [own, other] = [id, counterpart(id)].map((arm) => panel.samples(arm, PROMPT, measure.id)) as [Samples, Samples];
          return view.difference(own, other.slice(0, own.length), measure.range);
        }),
      })),
  };
}

/** Wall-clock time, which depends on what else the machine did. */
function timeTable(view: View, panel: Panel): Table {
  return {
    kind: 'table',
    id: panel.id('time'),
    caption:
      'Seconds of each training, pictures drawn meanwhile included: on a shared machine, so no verdict rests on them. Those of the VQ transformer that came to its autoencoder first count its training, or the wait for it; those of PITI’s second stage are of that alone. Seconds of a denoising step are the subject of `latency`, at full size.',
    rowHeader: 'Method',
    columns: [{ label: 'training', unit: 's', better: 'lower' }],
    rows: view.arms.map(({ id, label }) => {
      const seconds = view.results.trainings[panel.condition]![id]!.flatMap(({ record }) =>
        record.seconds === null ? [] : [[record.seconds]],
      );
      return { label, arm: id, cells: [seconds.length === 0 ? null : view.measured(seconds)] };
    }),
  };
}

/** Which drawing stands beside which row of the paper. */
const BESIDE: Readonly<Record<string, string>> = {
  'Stable Diffusion, no control': BASE,
  'VQGAN (seg)': scratch[1]!.id,
  'LDM (seg)': scratch[0]!.id,
  'PITI (seg)': 'piti',
  'ControlNet-lite': 'controlnet-lite',
  ControlNet: 'controlnet',
  'real pictures': REAL,
};

/** The paper's columns, and what is measured here in their place. */
const COLUMNS = [
  { label: 'FID ↓', paper: 'fid', here: 'frechet' },
  { label: 'CLIP score ↑', paper: 'clip', here: 'clip' },
  { label: 'aesthetic score ↑', paper: 'aesthetic', here: 'aesthetic' },
  { label: 'IoU ↑', paper: 'iou', here: 'fidelity' },
] as const;

/** The paper's numbers, each beside what was measured here. */
function paperTable(panel: Panel): Table {
  const here = (row: string, measure: string) => {
    const id = BESIDE[row]!;
    if (id === REAL) return mean(panel.real(measure));
    return panel.drawings.some((drawing) => drawing.id === id) ? panel.value(id, PROMPT, measure) : null;
  };
  return {
    kind: 'table',
    id: panel.id('paper'),
    caption: `What the paper prints (${PAPER_QUALITY.source}), and what was measured here at equal steps: other data, another size, other networks that judge, so that only orders can be compared. LDM (seg) is ours from scratch, with less than a hundredth of the samples that the base saw; VQGAN (seg) our VQ transformer, which has no discriminator; PITI (seg) ours of the first stage. The real pictures’ distance is the floor of so few pictures.`,
    rowHeader: 'Method',
    columns: COLUMNS.flatMap(({ label }) => ['paper', 'here'].map((of) => ({ group: label, label: of, decimals: 2 }))),
    rows: PAPER_QUALITY.rows.map((row) => ({
      label: row.label,
      cells: COLUMNS.flatMap(({ paper, here: measure }) => [row[paper] ?? 'not printed', here(row.label, measure)]),
    })),
  };
}

const standard: Profile = {
  base: 'mini',
  conditions: ['segmentation'],
  // What draws codes has no loss of denoising: pictures decide here.
  recipe: undrawn.byLoss.recipe,
  follow: undrawn.byLoss.follow,
  seeds: 5,
  drawn: { singles: 192, pairs: 12, steps: 10, solver: 'dpm++2m', guidance: 3, ownScenes: true },
  shown: { singles: 6, pairs: 2 },
};

const STEPS_ALONE = [...equalSteps, ...scratch].map(({ id }) => id);

const methods: Experiment = {
  id: 'control-methods',
  title: 'Ten ways to draw from segmentation maps',
  description:
    'ControlNet, lite, MLP, ControlNeXt, ControlNet-XS, Control-LoRA, T2I-Adapter, concatenation, PITI at equal steps and equal FLOPs, and a VQ transformer',
  profiles: {
    quick: {
      ...standard,
      arms: STEPS_ALONE,
      seeds: 1,
      recipe: { ...standard.recipe, examples: 1024, steps: 80 },
      follow: { ...standard.follow, every: 40 },
      drawn: { ...standard.drawn, singles: 24, pairs: 6 },
    },
    standard,
    tiny: { ...profiles.tiny, conditions: ['segmentation'] },
  },
  arms: [...equalSteps, ...equalFlops, ...fromScratch, finetuned],
  costs: true,
  // Of ControlNet minus the same with all prompts dropped, of lite against ControlNet under depth.
  expected: {
    results: 5,
    differences: [
      { quantity: 'mIoU', scatter: 0.036 },
      { quantity: 'CLIP score', scatter: 0.005 },
    ],
  },
  prompts: [PROMPT],
  measures: [conditionFidelity, frechet, clipScore, aestheticScore],
  pooled: [frechet],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const best = (measure: string, sign: 1 | -1): string => {
      const scored = view.arms
        .filter(({ id }) => STEPS_ALONE.includes(id))
        .map(({ id, label }) => ({ label, value: panel.value(id, PROMPT, measure).value }));
      const { label, value } = scored.reduce((a, b) => (sign * b.value > sign * a.value ? b : a));
      return `${label} (${value.toFixed(2)})`;
    };
    return `At equal steps, highest mIoU: ${best('fidelity', 1)}, where real scenes reach ${mean(panel.real('fidelity')).toFixed(2)}; least Fréchet distance: ${best('frechet', -1)}.`;
  },
  summary: (view) => {
    const {
      results: { profile },
      seeds,
    } = view;
    return `Every method trains ${profile.recipe.steps} steps of ${profile.recipe.batchSize} on the same examples, those of a base on the same noise${view.arms.every(({ id }) => STEPS_ALONE.includes(id)) ? '' : ', and again for as many operations as ControlNet; LDM from scratch and the VQ transformer also four times the steps, and PITI’s second stage for as many steps behind its first, from two seeds'}; ${profile.drawn.singles + profile.drawn.pairs} pictures a training, perfect prompts, which PITI and the VQ transformer do not see. The VQ transformer’s autoencoder trains once for all seeds, ${vqTransformer().config.firstStage} × the steps. Segmentation is read back by the mini-segmenter, whose ceiling is what it reads from the scenes themselves. Fréchet distances of so few pictures lie above those of many, for all methods alike. ControlNet, lite and MLP train at rates that were screened for them (MLP at the highest of three), the others at ControlNet’s, the pretrained U-Net of LDM concatenation at a tenth of it: what they lose may be the rate’s. ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each.`;
  },
  claims,
  sections: (view) =>
    view.panels.flatMap((panel) => {
      const stepsAlone = panel.drawings.filter(({ id }) => id === BASE || STEPS_ALONE.includes(id));
      return [
        {
          id: panel.id('pictures'),
          title: panel.title('The pictures'),
          blocks: [sideBySide(view, panel, { drawings: stepsAlone, prompt: PROMPT })],
        },
        {
          id: panel.id('scores'),
          title: panel.title('Quality and fidelity'),
          blocks: [
            measureTable(view, panel, 'quality', ['frechet', 'clip', 'aesthetic', 'fidelity'], PROMPT, stepsAlone),
            {
              kind: 'prose',
              text: `The evaluated scenes themselves: mIoU ${mean(panel.real('fidelity')).toFixed(2)} (the segmenter's ceiling), Fréchet distance ${mean(panel.real('frechet')).toFixed(2)} (the floor of so many pictures), mini-aesthetic ${mean(panel.real('aesthetic')).toFixed(2)}, CLIP score ${mean(panel.real('clip')).toFixed(2)}.`,
            },
            ...(view.arms.some(({ id }) => !STEPS_ALONE.includes(id)) ? [budgetTable(view, panel)] : []),
            ...(view.seeds.length > 1 ? [pooledTable(panel)] : []),
            paperTable(panel),
          ],
        },
        {
          id: panel.id('price'),
          title: panel.title('At what price'),
          blocks: [paretoTable(view, panel), trainingTable(view, panel), costTable(view, panel), timeTable(view, panel)],
        },
      ];
    }),
  lead: ({ panels: [panel] }) => panel!.id('pictures-grid'),
};

export default comparison(methods);
