import { countParameters } from '@controllab/core-blocks';
import { MEMBERS, type Member } from '@controllab/mini-sd/names';
import { formatNumber, type Claim, type LineFigure } from '@controllab/report';
import { tuned as ablated, heldOut, recipe, undrawn } from './arms.ts';
import { lossTable } from '../comparison/view/blocks/losses.ts';
import { lossClaim } from '../comparison/view/claims.ts';
import { comparison } from '../comparison/comparison.ts';
import type { Arm, Experiment, On, Profile } from '../comparison/experiment.ts';
import { listText } from '../comparison/view/questions.ts';
import { scenesSeen } from '../comparison/view/sizes.ts';
import { combine, mean, type Panel, type View } from '../comparison/view/view.ts';
import { PAPER } from '../paper-values.ts';

const CROSSED = ['proposed', 'gaussian', 'random', 'random-gaussian'] as const;
type Crossed = (typeof CROSSED)[number];

const SIZES = [256, 1024, 4096, 16384] as const;
type Size = (typeof SIZES)[number];

/** Smaller bases, trained on a sixteenth of the embedded default's scenes. */
const BASES = Object.keys(MEMBERS) as Member[];
/** The scenes on which controls of smaller bases are trained: the embedded default's arms at this size stand beside them. */
const MOST = SIZES.at(-1)!;

/** A place on either axis: so many scenes on the embedded default, or a smaller base on most of them. */
type Place = Size | Member;

const crossedAt = (place: Place): Arm[] =>
  CROSSED.map((id): Arm => {
    const arm = ablated.find((known) => known.id === id)!;
    return typeof place === 'number'
      ? { ...arm, id: `${id}-${place}`, label: `${arm.label}, ${place} scenes`, recipe: { ...arm.recipe, examples: place } }
      : { ...arm, id: `${id}-${place}`, label: `${arm.label}, on ${place}`, recipe: { ...arm.recipe, examples: MOST }, base: place };
  });

/** The four arms of copy x connection on ever more scenes, at equal steps, and on ever smaller bases. */
const arms: readonly Arm[] = [...SIZES, ...BASES].flatMap(crossedAt);

const standard: Profile = undrawn.byLoss;

const losses = (panel: Panel, arm: Crossed, place: Place) => panel.heldOut(`${arm}-${place}`, 'none');
const minus = (panel: Panel, a: Crossed, b: Crossed, place: Place) =>
  combine(losses(panel, a, place), losses(panel, b, place), (x, y) => x - y);

/** What Gaussian connections cost a pretrained copy beyond what they cost a random one. */
const interaction = (view: View, panel: Panel, place: Place) =>
  view.difference(minus(panel, 'gaussian', 'proposed', place), minus(panel, 'random-gaussian', 'random', place));

/** Whether Gaussian connections cost a pretrained copy anything: where they help both copies, nothing is destroyed. */
const costsPretrained = (view: View, panel: Panel, place: Place): boolean =>
  view.difference(losses(panel, 'gaussian', place), losses(panel, 'proposed', place)).value > 0;

/** What a pretrained copy is worth. */
const worth = (view: View, panel: Panel, place: Place) => view.difference(losses(panel, 'random', place), losses(panel, 'proposed', place));

/** {@link scenesSeen} by trainings on so many, mean over seeds. */
const meanSeen = (view: View, size: Size): number => Math.round(mean(view.seeds.map((seed) => scenesSeen(view, size, seed))));

const seenText = (view: View): string =>
  `Of ${listText(SIZES.map((size) => formatNumber(size, 0)))} scenes a training sees ${listText(SIZES.map((size) => formatNumber(meanSeen(view, size), 0)))} different ones`;

/** Worth and damage along one axis. */
function figure(
  view: View,
  panel: Panel,
  axis: { id: string; label: string; remark?: string; scale?: 'log'; places: readonly { at: Place; x: number }[] },
): LineFigure {
  const line = (arm: Crossed, label: string, of: typeof worth) => {
    const points = axis.places.map(({ at }) => of(view, panel, at));
    const band = points.map(({ value, interval }) => interval ?? ([value, value] as const));
    const x = axis.places.map((place) => place.x);
    return { label, arm: `${arm}-${MOST}`, x, y: points.map(({ value }) => value), band, n: view.seeds.length, seeds: view.seeds };
  };
  return {
    kind: 'line',
    id: panel.id(axis.id),
    caption: `Held-out loss without a prompt against ${axis.label}: random minus pretrained copy, and what Gaussian connections cost a pretrained copy beyond a random one. Bands: 95% over ${view.over}.${axis.remark ?? ''}`,
    x: { label: axis.label, ...(axis.scale === undefined ? {} : { scale: axis.scale }) },
    y: { label: 'difference in held-out loss' },
    series: [
      line('random', 'worth of the pretrained copy', worth),
      line('gaussian', 'cost of Gaussian connections beyond a random copy’s', interaction),
    ],
  };
}

const overScenes = (view: View, panel: Panel): LineFigure =>
  figure(view, panel, {
    id: 'scale',
    label: 'different scenes seen in training',
    remark: ` ${seenText(view)}.`,
    scale: 'log',
    places: SIZES.map((size) => ({ at: size, x: meanSeen(view, size) })),
  });

/** Against the size of the base's U-Net, in millions; the embedded default, which saw sixteen times as many scenes, comes last. */
function overBases(view: View, panel: Panel): LineFigure {
  const millions = (on: On): number => countParameters(view.ground(on).base.denoiser().unet) / 1e6;
  const places = [...BASES.map((base) => ({ at: base, x: millions({ base }) })), { at: MOST, x: millions({}) }];
  return figure(view, panel, {
    id: 'bases',
    label: 'parameters of the base in millions',
    // Size and training are not told apart by these four.
    remark: ` The smaller bases were trained on a sixteenth of the scenes that the last one, the embedded default, saw, and no rate was screened on them: what a base’s training and what its size does cannot be told apart here.`,
    places,
  });
}

/**
 * What is tested at a place; on smaller bases, whose rates nobody screened, it explores, and on the most scenes, where the ablation has
 * published the same trainings of another processor.
 */
function claimsAt(view: View, place: Place): Claim[] {
  const where = typeof place === 'number' ? `${place} scenes` : `on ${place}`;
  const primary = typeof place === 'number' && place !== MOST;
  const again = place === MOST ? ' These are the ablation’s arms: on a processor of its kind they are its trainings, and nothing new.' : '';
  return [
    ...lossClaim(
      view,
      {
        ...PAPER.pretrainedCopy,
        id: `copy-helps-${place}`,
        test: `Random copy minus ControlNet, ${where}.${again}`,
        quantity: `held-out loss, random copy − ControlNet, ${where}`,
        primary,
      },
      [],
      (panel) => worth(view, panel, place),
    ),
    ...lossClaim(
      view,
      {
        id: `backbone-destroyed-${place}`,
        claim: 'Gaussian connections destroy something that only a pretrained copy has: they cost it more than they cost a random one.',
        source: PAPER.gaussian.source,
        test: `What Gaussian connections cost a pretrained copy minus what they cost a random one, ${where}; measured only where they cost the pretrained copy anything.${again}`,
        quantity: `held-out loss, interaction, ${where}`,
        primary,
      },
      [],
      (panel) => (costsPretrained(view, panel, place) ? interaction(view, panel, place) : null),
    ),
  ];
}

/** Whether what Gaussian connections destroy is less with more scenes: the slope over binary logarithms of scenes, seed by seed. */
const fadingClaim = (view: View): Claim =>
  view.claim(
    {
      id: 'interaction-fades',
      claim: 'What a pretrained copy has to lose to Gaussian connections matters most where there is little to learn from.',
      source: 'ours',
      test: `Slope of the interaction over binary logarithms of the different scenes that trainings see, least squares in each seed; below 0 is fading. Measured only where there is an interaction to fade, on ${SIZES[0]} scenes.`,
      quantity: 'held-out loss per doubling of the scenes seen',
      rule: { kind: 'below', bound: 0 },
      primary: false,
      shownIn: view.panels[0]!.id('scale'),
    },
    (panel) => {
      if (!(interaction(view, panel, SIZES[0]).value > 0)) return null;
      const x = SIZES.map((size) => Math.log2(meanSeen(view, size)));
      const mid = mean(x);
      const spread = x.reduce((sum, value) => sum + (value - mid) ** 2, 0);
      // So few steps may see as many scenes of every size.
      if (spread === 0) return null;
      const each = SIZES.map((size) => interaction(view, panel, size).perTraining ?? []);
      return view.measured(view.seeds.map((_, seed) => [each.reduce((sum, values, i) => sum + (x[i]! - mid) * values[seed]!, 0) / spread]));
    },
  );

const scale: Experiment = {
  id: 'ablation-scale',
  title: 'When does the pretrained copy matter? Copy × connection against the number of scenes, and against the base',
  description: 'pretrained and random copies, zero and Gaussian convolutions, on 256 to 16,384 scenes and on smaller bases',
  profiles: {
    // So few steps see little more of 16,384 scenes than of 1,024; a warm-up of all of them would hardly train.
    quick: { ...standard, seeds: 1, recipe: { ...recipe, steps: 40, warmup: 4 }, heldOut: { ...heldOut, scenes: 16 } },
    standard,
    tiny: {
      ...standard,
      seeds: 1,
      recipe: { ...recipe, batchSize: 2, steps: 4 },
      follow: { images: 1, steps: 1, every: 4 },
      heldOut: { scenes: 2, timesteps: [500] },
    },
  },
  arms,
  conditions: 'several',
  // Of the interaction over seeds, in the published ablation under scribble; the copy's worth scatters by 0.005.
  expected: { results: 6, differences: [{ quantity: 'held-out loss', scatter: 0.0076 }] },
  drawings: () => [],
  prompts: [],
  measures: [],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const at = SIZES.map((size) => `${formatNumber(worth(view, panel, size).value, 4)} on ${formatNumber(size, 0)} scenes`);
    return `In held-out loss a pretrained copy is worth ${at.join(', ')}; of the last, trainings see ${formatNumber(meanSeen(view, MOST), 0)}.`;
  },
  summary: (view) =>
    `The paper says that Gaussian connections destroy the pretrained copy. Only the interaction of copy and connection tests that, and it should show where there is little to learn from. ${seenText(view)}, all at equal steps: what more scenes are worth beyond those that are seen is not tested.`,
  claims: (view) => [...SIZES.flatMap((size) => claimsAt(view, size)), ...BASES.flatMap((base) => claimsAt(view, base)), fadingClaim(view)],
  sections: (view) =>
    view.panels.map((panel) => ({
      id: panel.id('scale-section'),
      title: panel.title('Scale'),
      blocks: [
        overScenes(view, panel),
        overBases(view, panel),
        {
          kind: 'prose',
          text: 'In the table below, the base model without control is the embedded default; a smaller base has a loss of its own, above it.',
        },
        lossTable(view, panel),
      ],
    })),
};

export default comparison(scale);
