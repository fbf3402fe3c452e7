import { controlNet } from '@controllab/controlnet';
import { controlNeXt, type ControlNeXtChoices } from '@controllab/controlnext';
import type { Claim, Measurement } from '@controllab/report';
import { heldOut, profiles, undrawn } from './arms.ts';
import { lossBars, lossTable } from '../comparison/view/blocks/losses.ts';
import { drawingBars, measureTable } from '../comparison/view/blocks/measures.ts';
import { filmStrip } from '../comparison/view/blocks/pictures.ts';
import { trainingTable } from '../comparison/view/blocks/trainings.ts';
import { LOSS_RULES, lossClaim } from '../comparison/view/claims.ts';
import { comparison } from '../comparison/comparison.ts';
import { BASE, eachAlone, type Arm, type Drawing, type Experiment, type Profile } from '../comparison/experiment.ts';
import { conditionFidelity } from '../comparison/compute/judging/measures.ts';
import { listText, named, numberText, questionSection, threadText, type Question, type Thread } from '../comparison/view/questions.ts';
import type { Panel, View } from '../comparison/view/view.ts';
import { PAPER } from '../paper-values.ts';

/** Subsets of the base that train with the module, from few parameters to all. */
const SUBSETS = { middle: /mid_block.*to_out/, cross: /attn2.*to_out/, all: /^/ } as const;

const choice = (id: string, choices: ControlNeXtChoices, label = controlNeXt(choices).label): Arm => ({
  id,
  label,
  description: controlNeXt(choices).description,
  method: controlNeXt(choices),
});

/** Those that `controlnext-speed` trains too are the same trainings. */
const arms: readonly Arm[] = [
  choice('controlnext', {}, 'ControlNeXt (behind conv_in, trains to_out)'),
  { id: 'controlnet', label: 'ControlNet', description: controlNet().description, method: controlNet() },
  choice('down-0', { gain: 1, point: 'down_blocks.0' }),
  choice('mid', { point: 'mid_block' }),
  choice('locked', { trains: 'none' }),
  choice('train-middle', { trains: SUBSETS.middle }, 'ControlNeXt, trains to_out of the middle block (as few parameters as a LoRA)'),
  choice('train-cross', { trains: SUBSETS.cross }, 'ControlNeXt, trains to_out of cross-attention'),
  choice('train-all', { trains: SUBSETS.all }, 'ControlNeXt, trains the whole U-Net'),
  choice('zero', { normalization: 'zero-convolution' }),
  choice('equation-10', { normalization: 'equation-10' }),
  choice('gain-20', { gain: 0.2 }),
  choice('gain-35', { gain: 0.35, point: 'conv_in' }, 'ControlNeXt, gain 0.35'),
];

const drawn: Profile['drawn'] = { singles: 24, pairs: 0, steps: 10, solver: 'dpm++2m', guidance: 3, ownScenes: true };

const standard: Profile = { ...undrawn.byCourse, seeds: 5, heldOut, drawn, shown: { singles: 6, pairs: 0 } };

/** Strengths at which the network that was trained at 1 is drawn. */
const SCALES = [0.2, 0.35, 1.5] as const;
const scaleId = (scale: number): string => `scale-${100 * scale}`;

/** A network that is drawn from otherwise than it was trained: at another point, as the SD1.5 release is. */
const MISMATCHES = [
  {
    id: 'conv-in-at-down-0',
    arm: 'controlnext',
    as: { gain: 1, point: 'down_blocks.0' },
    label: 'trained behind conv_in, drawn behind down block 0',
  },
] as const satisfies readonly { id: string; arm: string; as: ControlNeXtChoices; label: string }[];

const drawings = (trained: readonly Arm[], profile: Profile): Drawing[] => {
  const [condition] = profile.conditions;
  const panels = [condition!];
  const has = (arm: string): boolean => trained.some(({ id }) => id === arm);
  return [
    ...eachAlone(trained, profile),
    ...SCALES.map((scale) => ({
      id: scaleId(scale),
      label: `ControlNeXt, drawn at ${scale}`,
      controls: [{ arm: 'controlnext', condition: condition!, scale }],
      panels,
    })),
    ...MISMATCHES.filter(({ arm }) => has(arm)).map(({ id, arm, as, label }) => ({
      id,
      label,
      controls: [{ arm, condition: condition!, scale: 1, as: controlNeXt(as) }],
      panels,
    })),
  ];
};

const issues = (...numbers: number[]): Thread[] => numbers.map((number) => ({ repository: 'JIA-Lab-research/ControlNeXt', number }));

const losses = (panel: Panel, arm: string) => panel.heldOut(arm, 'none');
const lossOver = (view: View, panel: Panel, arm: string, other: string): Measurement =>
  view.difference(losses(panel, arm), losses(panel, other));

/** A claim on one arm's loss minus another's. */
const compared =
  (rule: Claim['rule']) =>
  (view: View, id: string, text: { claim: string; source: string }, [arm, other]: readonly [string, string]): Claim[] =>
    lossClaim(
      view,
      {
        ...text,
        id,
        rule,
        test: `${labelOf(arm)} minus ${labelOf(other)}.`,
        quantity: `held-out loss, ${labelOf(arm)} − ${labelOf(other)}`,
      },
      [arm, other],
      (panel) => lossOver(view, panel, arm, other),
    );
const worse = compared(LOSS_RULES.more);
const hardlyWorse = compared(LOSS_RULES.hardlyMore);
const alike = compared(LOSS_RULES.alike);

const labelOf = (arm: string): string => arms.find(({ id }) => id === arm)!.label;

const fidelityLost = (view: View, panel: Panel, { id, arm }: (typeof MISMATCHES)[number]): Measurement =>
  view.difference(panel.samples(arm, 'perfect', 'fidelity'), panel.samples(id, 'perfect', 'fidelity'), [0, 1]);

/** Least rise of fidelity above the base model's that shows that a network controls. */
const LEAST_CONTROL = 0.1;

const controls = (panel: Panel, arm: string): boolean =>
  panel.value(arm, 'perfect', 'fidelity').value - panel.value(BASE, 'perfect', 'fidelity').value > LEAST_CONTROL;

function claims(view: View): Claim[] {
  const trained = view.meant;
  return [
    ...lossClaim(
      view,
      {
        id: 'mid-like-down-0',
        claim:
          'The middle block, where the SD1.5 inference folder injects, is as good a place as the first down block, where its training folder does.',
        source: threadText(issues(83, 77)),
        test: `${labelOf('mid')} minus ${labelOf('down-0')}. Measured only where one of them is seen to control, by fidelity ${LEAST_CONTROL} above the base model’s: two that do nothing are equal, too.`,
        quantity: `held-out loss, ${labelOf('mid')} − ${labelOf('down-0')}, where one controls`,
        rule: LOSS_RULES.alike,
        primary: false,
      },
      ['mid', 'down-0'],
      (panel) => (['mid', 'down-0'].some((arm) => controls(panel, arm)) ? lossOver(view, panel, 'mid', 'down-0') : null),
    ),
    ...worse(
      view,
      'conv-in-beats-down-0',
      {
        claim: 'Right behind conv_in, where the SDXL code injects, more is learnt than behind the first down block.',
        source: threadText(issues(83)),
      },
      ['down-0', 'controlnext'],
    ),
    ...MISMATCHES.filter(({ arm }) => trained.includes(arm)).map((mismatch) =>
      view.claim(
        {
          id: `mismatch-${mismatch.id}`,
          claim: 'A network that was trained at one injection point controls less when it is drawn from at another one.',
          source: threadText(issues(83, 77)),
          test: 'Fidelity with a perfect prompt at the point of training minus that at the other point, same noise and scenes; 0.1 is the least that would be noticed.',
          quantity: `fidelity lost, ${mismatch.label}`,
          rule: { kind: 'above', bound: 0.1 },
          primary: true,
          shownIn: view.panels[0]!.id('point-fidelity'),
        },
        (panel) => fidelityLost(view, panel, mismatch),
      ),
    ),
    ...alike(
      view,
      'equation-10-like-code',
      {
        claim: 'Cross normalisation as the paper prints it (equation 10) does what the code does.',
        source: `${threadText(issues(88))}; ${PAPER.crossNormalization.source}`,
      },
      ['equation-10', 'controlnext'],
    ),
    ...worse(
      view,
      'module-alone',
      { claim: 'Training the module alone, with the base locked, controls less.', source: threadText(issues(43)) },
      ['locked', 'controlnext'],
    ),
    ...hardlyWorse(
      view,
      'to-out-suffices',
      {
        claim: 'Output projections of attention are enough: training the whole U-Net, at the same rate, gains next to nothing.',
        source: threadText(issues(45)),
      },
      ['controlnext', 'train-all'],
    ),
    ...worse(
      view,
      'slower-than-controlnet',
      { claim: 'ControlNeXt has learnt less than ControlNet after as many samples.', source: threadText(issues(36)) },
      ['controlnext', 'controlnet'],
    ),
  ];
}

/** Arms that differ in one choice. */
const CHOICES = {
  point: { what: 'injection point', arms: ['controlnext', 'down-0', 'mid'] },
  subset: { what: 'what trains in the base', arms: ['locked', 'train-middle', 'train-cross', 'controlnext', 'train-all'] },
  norm: { what: 'normalisation', arms: ['controlnext', 'equation-10', 'zero'] },
  gain: { what: 'control scale in training', arms: ['gain-20', 'gain-35', 'controlnext'] },
} as const;

/** The questions of the repository's threads, each with what of this run answers it. */
function questions(view: View, panel: Panel): Question[] {
  const trained = view.arms.map(({ id }) => id);
  const shown = (ids: readonly string[]) => named(ids, view.arms);
  const drawnBy = (ids: readonly string[]) => named(ids, panel.drawings);
  const lossText = (ids: readonly string[]): string =>
    listText(shown(ids).map(({ id, label }) => `${label} ${numberText(view.measured(losses(panel, id), [0, Number.MAX_VALUE]), 4)}`));
  const fidelityText = (ids: readonly string[]): string =>
    listText(drawnBy(ids).map(({ id, label }) => `${label} ${numberText(panel.value(id, 'perfect', 'fidelity'), 2)}`));
  const { point, subset, norm, gain } = CHOICES;
  const [points, subsets, norms, gains] = [point.arms, subset.arms, norm.arms, gain.arms];
  const scales = [scaleId(0.2), scaleId(0.35), 'controlnext', scaleId(1.5)];
  const mismatched = MISMATCHES.filter(({ arm }) => trained.includes(arm)).flatMap(({ id, arm }) => [arm, id]);
  return [
    {
      id: 'point',
      title: 'Which injection point is right: the first down block or the middle?',
      needs: ['controlnext'],
      also: points,
      threads: issues(83, 77),
      asked:
        'the SD1.5 training folder adds the features behind the first down block, its inference folder behind the middle block, and weights of one do not work in the other.',
      answer: `held-out loss without a prompt by the point of training: ${lossText(points)}. Drawn from at another point than they were trained at, the same weights give (fidelity): ${fidelityText(mismatched)}. All of these normalise before they pool, as the SDXL folder does; both SD1.5 folders pool first, which was not trained here.`,
      blocks: [
        lossBars(view, panel, 'point-loss', shown(points)),
        drawingBars(view, panel, 'point-fidelity', 'fidelity', {
          drawings: drawnBy([...points, ...mismatched]).filter((d, i, all) => all.indexOf(d) === i),
          prompt: 'perfect',
        }),
      ],
    },
    {
      id: 'normalisation',
      title: 'The formula and the code of cross normalisation differ: does it matter?',
      needs: ['controlnext', 'equation-10'],
      also: norms,
      threads: issues(88),
      asked: 'equation 10 normalises the control with the main branch’s statistics; the code aligns both distributions.',
      answer: `${lossText(norms)}.`,
      blocks: [lossBars(view, panel, 'normalisation-loss', shown(norms))],
    },
    {
      id: 'subset',
      title: 'What if only the module is trained, or only some of the base?',
      needs: ['controlnext', 'locked'],
      also: subsets,
      threads: issues(43, 45),
      asked:
        'the released scripts train the module with the output projections of attention; what if the base stays locked, and what if other parts train?',
      answer: `from nothing of the base to all of it: ${lossText(subsets)}.`,
      blocks: [lossBars(view, panel, 'subset-loss', shown(subsets)), trainingTable(view, panel)],
    },
    {
      id: 'scale',
      title: 'Which control scale: 0.2, 0.35 or 1?',
      needs: ['controlnext'],
      also: gains,
      threads: issues(36),
      asked:
        'SVD’s release multiplies the features by 0.2, the scripts of SD1.5 by 0.35 (its code by 1 if nothing is said), those of SDXL by 1 for depth and 0.35 for edges.',
      answer: `${shown(gains).length > 1 ? `trained at each: ${lossText(gains)}. ` : ''}Trained at 1 and drawn at another strength (fidelity): ${fidelityText(scales)}.`,
      blocks: [
        ...(shown(gains).length > 1 ? [lossBars(view, panel, 'gain-loss', shown(gains))] : []),
        drawingBars(view, panel, 'scale-fidelity', 'fidelity', { drawings: drawnBy(scales), prompt: 'perfect' }),
      ],
    },
    {
      id: 'controlnet',
      title: 'Is it better or faster than ControlNet?',
      needs: ['controlnext', 'controlnet'],
      threads: issues(36, 69),
      asked: 'that it converges more slowly than ControlNet for some, and that there is no objective comparison.',
      answer: `${lossText(['controlnext', 'controlnet'])}, after equal samples of the same scenes; pictures with a perfect prompt (fidelity): ${fidelityText(['controlnext', 'controlnet'])}. Samples to a given loss are the subject of the experiment \`controlnext-speed\`.`,
      blocks: [measureTable(view, panel, 'methods', ['fidelity'], 'perfect'), lossTable(view, panel)],
    },
  ];
}

const choices: Experiment = {
  id: 'controlnext-choices',
  title: 'ControlNeXt’s choices: injection point, what trains, normalisation, scale',
  description: 'one choice of ControlNeXt changed at a time, and networks drawn from otherwise than they were trained',
  profiles: {
    quick: {
      ...standard,
      seeds: 1,
      arms: ['controlnext', 'controlnet', 'down-0', 'mid', 'locked', 'equation-10'],
      recipe: { ...standard.recipe, examples: 1024, steps: 80 },
      follow: { ...standard.follow, every: 40 },
    },
    standard,
    tiny: {
      ...profiles.tiny,
      arms: ['controlnext', 'controlnet', 'down-0'],
      drawn: { ...profiles.tiny.drawn, pairs: 0 },
      shown: { singles: 2, pairs: 0 },
    },
  },
  arms,
  conditions: 'one',
  // Of ControlNeXts and ControlNets on Canny edges, paired by seed, in the trainings of `controlnext-speed`.
  expected: {
    results: 6,
    differences: [{ quantity: 'held-out loss', scatter: 0.004 }],
  },
  drawings,
  prompts: ['perfect'],
  measures: [conditionFidelity],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const loss = (arm: string): number => view.measured(losses(panel, arm)).value;
    const moved = Object.values(CHOICES)
      .flatMap(({ what, arms: ids }) => {
        const of = named(ids, view.arms)
          .map(({ id, label }) => ({ label, loss: loss(id) }))
          .sort((a, b) => a.loss - b.loss);
        const [least, most] = [of[0], of.at(-1)];
        return of.length < 2 ? [] : [{ what, least: least!, most: most!, by: most!.loss - least!.loss }];
      })
      .sort((a, b) => b.by - a.by);
    const each = moved.map(
      ({ what, least, most }) => `${what}, from ${least.loss.toFixed(3)} (${least.label}) to ${most.loss.toFixed(3)} (${most.label})`,
    );
    const beside = [`the base model without control ${loss(BASE).toFixed(3)}`];
    if (view.arms.some(({ id }) => id === 'controlnet')) beside.push(`ControlNet ${loss('controlnet').toFixed(3)}`);
    return `By how much a choice moves held-out loss without a prompt, largest first: ${each.join('; ')}. Beside them: ${beside.join(', ')}.`;
  },
  summary: ({ seeds, results: { profile } }) =>
    `Every network trains for ${profile.recipe.steps} steps of ${profile.recipe.batchSize} on the same scenes, noise and timesteps, ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each; one choice differs from the first one’s at a time. The base is the embedded small Stable Diffusion: what carries over is which choice matters, not the numbers.`,
  claims,
  sections: async (view) => {
    const [panel] = view.panels as [Panel];
    return [
      ...questions(view, panel).map((question) => questionSection(view, question)),
      { id: 'film', title: 'One condition over training', blocks: [await filmStrip(view, panel)] },
    ];
  },
  lead: ({ panels: [panel] }) => panel!.id('film-strip'),
};

export default comparison(choices);
