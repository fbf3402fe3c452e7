import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Claim } from '@controllab/report';
import { profiles } from './arms.ts';
import { lossTable } from '../comparison/view/blocks/losses.ts';
import { measureTable, promptTable } from '../comparison/view/blocks/measures.ts';
import { armsByPrompts, sideBySide } from '../comparison/view/blocks/pictures.ts';
import { curves } from '../comparison/view/blocks/trainings.ts';
import { comparison } from '../comparison/comparison.ts';
import { clipScore, conditionFidelity, objectRecognised, objectTopFive } from '../comparison/compute/judging/measures.ts';
import { BASE, promptedAndUnprompted, type Arm, type Drawing, type Experiment, type Profile } from '../comparison/experiment.ts';
import type { View } from '../comparison/view/view.ts';
import { PAPER } from '../paper-values.ts';

/** ControlNeXt is beside it, without claims: two trainings show whether it differs. */
const methods = [{ method: controlNet() }, { method: controlNeXt(), seeds: 2 }];
const arms: readonly Arm[] = methods.flatMap(({ method, ...few }) =>
  [0.5, 1].map((promptDrop) => ({
    id: `${method.id}-${100 * promptDrop}`,
    label: `${method.label}, ${100 * promptDrop}% dropped`,
    description: `${method.description}; ${100 * promptDrop}% of the prompts dropped while training`,
    method,
    recipe: { promptDrop },
    ...few,
  })),
);

/** An arm with control in both halves of guidance, drawn for all single objects without a prompt. */
const inBoth = (arm: string): string => `${arm}-both`;

const hasConnections = ({ method }: Arm): boolean => method.id === 'controlnet';

/**
 * With control in both halves of guidance, and in the conditional one alone: plain, in guess mode, and with the paper's resolution weights.
 * ControlNeXt has no connections to weigh.
 */
function drawings(trained: readonly Arm[], profile: Profile): Drawing[] {
  const networks = trained.filter(hasConnections);
  const others = trained.filter((arm) => !hasConnections(arm));
  return [
    ...promptedAndUnprompted(networks, profile),
    ...profile.conditions.flatMap((condition) =>
      networks.map(({ id, label }): Drawing => ({
        id: inBoth(id),
        label: `${label}, both halves`,
        controls: [{ arm: id, condition, scale: 1 }],
        panels: [condition],
        prompts: ['none'],
        scenes: { singles: profile.drawn.singles, pairs: 0 },
      })),
    ),
    ...profile.conditions.flatMap((condition) =>
      networks.map(({ id, label }): Drawing => ({
        id: `${id}-guess`,
        label: `${label}, guess mode`,
        controls: [{ arm: id, condition, scale: 1 }],
        panels: [condition],
        controlIn: 'conditional',
        weighting: 'guess',
        prompts: ['none'],
        scenes: { singles: profile.drawn.singles, pairs: 0 },
      })),
    ),
    ...promptedAndUnprompted(others, profile).filter(({ id, weighting }) => id !== BASE && weighting === undefined),
  ];
}

/** Drawings of the first screen: the paper's recipe, in every way to draw without a prompt. */
const SHOWN = /^(base|controlnet-50-.*|controlnext-50-conditional)$/;

const ALL_DROPPED = {
  claim:
    'With all prompts dropped in training, in place of the paper’s half, a network reads more of its condition where there is no prompt.',
  source: `ours: the limit of ${PAPER.promptDropping.source}`,
};

/** Ways to draw without a prompt, each against the one that it is said to mend. */
const WAYS = [
  {
    id: 'conditional-half',
    claim: 'Without a prompt more of the condition is read with control in the conditional half of guidance than in both.',
    source: `ours, after ${PAPER.guessing.source}`,
    pair: ['controlnet-50-conditional', inBoth('controlnet-50')],
  },
  {
    id: 'weights',
    claim: 'With weights by resolution more of it is read than with control in the conditional half plainly.',
    source: `ours, after ${PAPER.guessing.source}`,
    pair: ['controlnet-50-weighted', 'controlnet-50-conditional'],
  },
  {
    id: 'guess-mode',
    claim: 'Guess mode reads content that plain control in the conditional half does not.',
    source: 'CN repository, guess mode',
    pair: ['controlnet-50-guess', 'controlnet-50-conditional'],
  },
] as const;

/** Least effects of interest: of CLIP score, and in recognised objects the ablation's. */
const LEAST = { clip: 0.02, object: 0.04 } as const;
const QUANTITIES = {
  clip: { label: 'CLIP score', test: 'CLIP score (mini) with the true caption, drawn without a prompt', range: [-1, 1] },
  object: { label: 'object top-1', test: 'Share of single objects that mini-inception names, no prompt', range: [0, 1] },
} as const;

/** A claim on what is read without a prompt: one drawing minus another, of the same single objects. */
const read = (
  view: View,
  id: string,
  text: { claim: string; source: string },
  [a, b]: readonly [string, string],
  measure: keyof typeof LEAST,
): Claim =>
  view.claim(
    {
      ...text,
      id,
      test: `${QUANTITIES[measure].test}: ${labelOf(view, a)} minus ${labelOf(view, b)}, same noise; less than ${LEAST[measure]} counts as nothing.`,
      quantity: `${QUANTITIES[measure].label}, ${labelOf(view, a)} − ${labelOf(view, b)}, no prompt`,
      rule: { kind: 'above', bound: LEAST[measure] },
      primary: measure === 'clip',
      shownIn: view.panels[0]!.id('recognised'),
    },
    (panel) => view.difference(panel.samples(a, 'none', measure), panel.samples(b, 'none', measure), QUANTITIES[measure].range),
  );

const labelOf = (view: View, drawing: string): string => view.results.drawings.find(({ id }) => id === drawing)?.label ?? drawing;

const noPrompt: Experiment = {
  id: 'no-prompt',
  title: 'Control without a prompt',
  description: 'half and all prompts dropped while training; without one, control in both halves of guidance or one, guess mode, weights',
  profiles: {
    ...profiles,
    quick: { ...profiles.quick, arms: ['controlnet-50', 'controlnet-100', 'controlnext-50'] },
    standard: { ...profiles.standard, conditions: ['scribble', 'canny', 'mask', 'segmentation'], seeds: 5 },
  },
  arms,
  conditions: 'several',
  drawings,
  prompts: ['none', 'perfect'],
  measures: [conditionFidelity, clipScore, objectRecognised, objectTopFive],
  // Of CLIP score nothing is known but its level in the published ablation; of fidelity over Canny edges, paired by seed.
  expected: { results: 16, differences: [{ quantity: 'CLIP score', scatter: 0.02 }] },
  takeaway: ({ panels: [panel] }) =>
    `CLIP score without a prompt, ${panel!.label}: ${panel!.drawings
      // The base is drawn for other scenes, with pairs of objects among them.
      .filter(({ id }) => SHOWN.test(id) && id !== BASE)
      .map(({ id, label }) => `${panel!.value(id, 'none', 'clip').value.toFixed(2)} (${label})`)
      .join(', ')}.`,
  summary: () =>
    'Half of the prompts dropped is the paper’s recipe; with all of them dropped a network can learn from nothing but the condition. Without a prompt, control in both halves of guidance cancels guidance: it then enters the half with the prompt alone, all connections alike, weighed as diffusers’ guess mode does (from 0.1 to 1 over the connections, in equal ratios), or by resolution as the paper writes.',
  lead: ({ panels: [panel] }) => panel!.id('unprompted-grid'),
  claims: (view) => [
    view.claim(
      {
        id: 'all-dropped-helps',
        ...ALL_DROPPED,
        test: 'Fidelity without a prompt of ControlNet trained with all prompts dropped minus half of them dropped, control in both halves of guidance, the same single objects, noise and data; below 0.02 counts as none.',
        quantity: 'fidelity, all − half dropped, no prompt',
        rule: { kind: 'above', bound: 0.02 },
        primary: true,
        shownIn: view.panels[0]!.id('recognised'),
      },
      (panel) =>
        view.difference(
          panel.samples(inBoth('controlnet-100'), 'none', 'fidelity'),
          panel.samples(inBoth('controlnet-50'), 'none', 'fidelity'),
          [0, 1],
        ),
    ),
    ...WAYS.flatMap(({ id, pair, ...text }) => [
      read(view, `${id}-helps`, text, pair, 'clip'),
      read(view, `${id}-recognised`, text, pair, 'object'),
    ]),
    read(view, 'all-dropped-recognised', ALL_DROPPED, ['controlnet-100-conditional', 'controlnet-50-conditional'], 'object'),
  ],
  sections: (view) =>
    view.panels.flatMap((panel) => {
      return [
        {
          id: panel.id('unprompted'),
          title: panel.title('Without a prompt'),
          blocks: [
            sideBySide(view, panel, { drawings: panel.drawings.filter(({ id }) => SHOWN.test(id)), prompt: 'none', id: 'unprompted-grid' }),
            measureTable(view, panel, 'recognised', ['clip', 'object', 'object-top-5', 'fidelity'], 'none'),
            {
              kind: 'prose',
              text: 'Drawings that are made under both prompts, and those of the base, are of other scenes than the rest, with pairs of objects among them: claims compare drawings of the same single objects.',
            },
          ],
        },
        {
          id: panel.id('scores'),
          title: panel.title('With and without'),
          blocks: [
            armsByPrompts(
              view,
              panel,
              panel.drawings.filter(({ id }) => panel.drawn(id, 'perfect')),
            ),
            promptTable(view, panel, 'fidelity'),
            promptTable(view, panel, 'object'),
            ...(view.results.heldOut === null ? [] : [lossTable(view, panel)]),
            curves(view, panel),
          ],
        },
      ];
    }),
};

export default comparison(noPrompt);
