import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Claim } from '@controllab/report';
import { profiles } from './arms.ts';
import { lossTable } from '../comparison/view/blocks/losses.ts';
import { measureTable, promptTable } from '../comparison/view/blocks/measures.ts';
import { armsByPrompts, sideBySide } from '../comparison/view/blocks/pictures.ts';
import { curves } from '../comparison/view/blocks/trainings.ts';
import { comparison } from '../comparison/comparison.ts';
import { conditionFidelity, objectRecognised, objectTopFive } from '../comparison/compute/judging/measures.ts';
import { BASE, promptedAndUnprompted, SETTINGS, type Arm, type Drawing, type Experiment, type Profile } from '../comparison/experiment.ts';
import type { Panel, View } from '../comparison/view/view.ts';
import { PAPER } from './paper-values.ts';

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
const SHOWN = /^(base|controlnet-50.*|controlnext-50-conditional)$/;

const ALL_DROPPED = {
  claim:
    'With all prompts dropped in training, in place of the paper’s half, a network reads more of its condition where there is no prompt.',
  source: `ours: the limit of ${PAPER.promptDropping.source}`,
};

/** Least effect of interest in recognised objects: the ablation's. */
const LEAST = 0.04;

const object = (panel: Panel, drawing: string, singles?: number) =>
  panel.samples(drawing, 'none', 'object').map((values) => values.slice(0, singles));

/** A claim on the share of objects that are recognised without a prompt: one drawing minus another, on the scenes that both have. */
const recognised = (
  view: View,
  id: string,
  text: { claim: string; source: string },
  [a, b]: readonly [string, string],
  primary = true,
): Claim =>
  view.claim(
    {
      ...text,
      id,
      test: `Share of single objects that mini-inception names, no prompt: ${labelOf(view, a)} minus ${labelOf(view, b)}, same noise, on the scenes that both were drawn for (${SETTINGS.singles} of each seed with control in both halves); less than ${LEAST} counts as nothing.`,
      quantity: `object top-1, ${labelOf(view, a)} − ${labelOf(view, b)}, no prompt`,
      rule: { kind: 'above', bound: LEAST },
      primary,
      shownIn: view.panels[0]!.id('recognised'),
    },
    (panel) => {
      const singles = Math.min(object(panel, a)[0]!.length, object(panel, b)[0]!.length);
      return view.difference(object(panel, a, singles), object(panel, b, singles), [0, 1]);
    },
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
  measures: [conditionFidelity, objectRecognised, objectTopFive],
  takeaway: ({ panels: [panel] }) =>
    `Without a prompt, of objects given by ${panel!.label}, are recognised: ${panel!.drawings
      .filter(({ id }) => SHOWN.test(id))
      .map(({ id, label }) => `${panel!.value(id, 'none', 'object').value.toFixed(2)} (${label})`)
      .join(', ')}.`,
  summary: () =>
    'Half of the prompts dropped is the paper’s recipe; with all of them dropped a network can learn from nothing but the condition. Without a prompt, control in both halves of guidance cancels guidance: it then enters the half with the prompt alone, all connections alike, weighed as diffusers’ guess mode does (from 0.1 to 1 over the connections, in equal ratios), or by resolution as the paper writes.',
  lead: ({ panels: [panel] }) => panel!.id('unprompted-grid'),
  claims: (view) => [
    view.claim(
      {
        id: 'all-dropped-helps',
        ...ALL_DROPPED,
        test: 'Fidelity without a prompt of ControlNet trained with all prompts dropped minus half of them dropped, same noise and data; below 0.02 counts as none.',
        quantity: 'fidelity, all − half dropped, no prompt',
        rule: { kind: 'above', bound: 0.02 },
        primary: true,
        shownIn: view.panels[0]!.id('fidelity'),
      },
      (panel) =>
        view.difference(panel.samples('controlnet-100', 'none', 'fidelity'), panel.samples('controlnet-50', 'none', 'fidelity'), [0, 1]),
    ),
    recognised(
      view,
      'conditional-half-helps',
      { ...PAPER.guessing, claim: 'Without a prompt, control in the conditional half of guidance alone lets the condition be read.' },
      ['controlnet-50-conditional', 'controlnet-50'],
    ),
    recognised(view, 'weights-help', { ...PAPER.guessing, claim: 'Weights by resolution let more of it be read.' }, [
      'controlnet-50-weighted',
      'controlnet-50-conditional',
    ]),
    recognised(
      view,
      'guess-mode-helps',
      { claim: 'Guess mode reads content that plain control in the conditional half does not.', source: 'CN repository, guess mode' },
      ['controlnet-50-guess', 'controlnet-50-conditional'],
    ),
    recognised(view, 'all-dropped-recognised', ALL_DROPPED, ['controlnet-100-conditional', 'controlnet-50-conditional'], false),
  ],
  sections: (view) =>
    view.panels.flatMap((panel) => {
      return [
        {
          id: panel.id('unprompted'),
          title: panel.title('Without a prompt'),
          blocks: [
            sideBySide(view, panel, { drawings: panel.drawings.filter(({ id }) => SHOWN.test(id)), prompt: 'none', id: 'unprompted-grid' }),
            measureTable(view, panel, 'recognised', ['object', 'object-top-5', 'fidelity'], 'none'),
            {
              kind: 'prose',
              text: 'Drawings with control in both halves of guidance, and those of the base, are of fewer scenes than the others, with pairs of objects among them: where two are compared, it is on the single objects that both have.',
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
