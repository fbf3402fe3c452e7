import { controlNet } from '@controllab/controlnet';
import type { Claim } from '@controllab/report';
import { profiles, recipe } from './arms.ts';
import { drawingBars, measureTable } from '../comparison/view/blocks/measures.ts';
import { filmStrip, sideBySide } from '../comparison/view/blocks/pictures.ts';
import { curves, losses, trainingTable } from '../comparison/view/blocks/trainings.ts';
import { suddenClaim } from '../comparison/view/claims.ts';
import { comparison } from '../comparison/comparison.ts';
import { conditionFidelity } from '../comparison/compute/judging/measures.ts';
import { bothColours, circleColour, groundColour, misplacedColour } from '../comparison/data/circle-measures.ts';
import { BASE_ALONE, type Arm, type Drawing, type Experiment, type Profile } from '../comparison/experiment.ts';
import { followedCurves, reachedIn, reachedTable, stepsToText } from '../comparison/view/blocks/followed.ts';
import { listText, named, numberText, questionSection, threadText, type Question, type Thread } from '../comparison/view/questions.ts';
import { mean, type Panel, type View } from '../comparison/view/view.ts';

const arm = (id: string, label: string, description: string, more: Partial<Arm> = {}): Arm => ({
  id,
  label,
  description,
  method: controlNet(),
  ...more,
});

/** The decoder's parameters: what the released code trains of the base. */
const UNLOCKED = /^(up_blocks|conv_norm_out|conv_out)\./;

/** The tutorial's recipe, and one change at a time: what its threads suspect. */
const arms: readonly Arm[] = [
  arm('tutorial', 'the tutorial’s recipe', 'ControlNet, base locked, no prompts dropped'),
  arm('drop-50', 'half of the prompts dropped', 'the paper’s prompt dropping, which the tutorial’s code lacks', {
    recipe: { promptDrop: 0.5 },
  }),
  arm('slow', 'a third of the rate', 'the same at a third of the rate', {
    recipe: ({ learningRate }) => ({ learningRate: learningRate / 3 }),
  }),
  arm('half-batch', 'batches half as large', 'as many samples in twice the steps', {
    recipe: ({ batchSize, steps }) => ({ batchSize: batchSize / 2, steps: 2 * steps }),
  }),
  arm('unlocked', 'decoder unlocked', 'sd_locked = False: the base’s decoder trains too, at a fifth of the rate', {
    method: controlNet({ jointRate: 0.2, trains: UNLOCKED }),
  }),
  arm(
    'sentence',
    'told in sentences',
    'the same pictures, captions in the grammar that the base read, of which it names backgrounds: “a red circle on a blue background”',
    {
      data: 'fill50k-sentence',
    },
  ),
  arm(
    'unread',
    'names the base never read',
    'the same pictures, their colours called what no caption of the base’s has; it reads every such word as the same unknown one, so that these captions name no colour',
    {
      data: 'fill50k-unread',
    },
  ),
];

/** Strength at which diffusers' script for Flux once drew its validation pictures. */
const WEAK = 0.7;
/** What the tutorial's logger draws with, and none. */
const GUIDANCES = [1, 9] as const;
const guided = (guidance: number): string => `tutorial-guidance-${guidance}`;

/** The base model without control under the captions of an arm that has others. */
const baseUnder = (arm: string): string => `${BASE_ALONE.id}-${arm}`;

/** Base and arms for circles, the base under each arm's captions; the tutorial's arm weaker, and under other guidance. */
const drawings = (trained: readonly Arm[], { conditions }: Profile): Drawing[] =>
  conditions.flatMap((condition) => {
    const by = (id: string, scale = 1) => ({ controls: [{ arm: id, condition, scale }], panels: [condition] });
    const tutorial = trained.some(({ id }) => id === 'tutorial');
    return [
      { ...BASE_ALONE, controls: [], panels: [condition] },
      ...trained.flatMap(({ id, label, data }) =>
        data === undefined ? [] : [{ id: baseUnder(id), label: `base model, ${label}`, controls: [], panels: [condition], data }],
      ),
      ...trained.map(({ id, label, data }) => ({ id, label, ...by(id), ...(data === undefined ? {} : { data }) })),
      ...(tutorial
        ? [
            { id: 'tutorial-weak', label: `the tutorial’s, strength ${WEAK}`, ...by('tutorial', WEAK), prompts: ['perfect'] as const },
            ...GUIDANCES.map((guidance) => ({
              id: guided(guidance),
              label: `the tutorial’s, guidance ${guidance}`,
              ...by('tutorial'),
              guidance,
              prompts: ['perfect'] as const,
            })),
          ]
        : []),
    ];
  });

/** Where circle and colour count as learnt: mean over the followed pictures. */
const CIRCLE = { of: 'fidelity', target: 0.5, label: 'IoU 0.5' } as const;
const COLOUR = { of: 'circle-colour', target: 20, label: 'circle colour 20' } as const;
const GROUND = { of: 'ground-colour', target: 20, label: 'background colour 20' } as const;

const thread =
  (repository: string) =>
  (number: number): Thread => ({ repository, number });
const controlnet = thread('lllyasviel/ControlNet');
const diffusers = thread('huggingface/diffusers');
const NOT_REPRODUCED = [...[198, 265, 685].map(controlnet), ...[2822, 4476, 6423].map(diffusers)];
const BATCHES = [215, 93, 527].map(controlnet);
const WEAKER = [diffusers(11181)];

/** Of a share of pictures. */
const LEAST_SHARE = 0.1;

const given = (panel: Panel, drawing: string, measure: string) => panel.samples(drawing, 'perfect', measure);

/** Binary logarithms, training by training; null where one never came there: its time is not known. */
function log2Steps(view: View, panel: Panel, id: string): number[][] | null {
  const found = reachedIn(view, panel, id, CIRCLE.of, CIRCLE.target);
  return found.some(({ censored }) => censored) ? null : found.map(({ steps }) => [Math.log2(Math.max(1, steps))]);
}

function claims(view: View): Claim[] {
  const trained = view.meant;
  const [panel] = view.panels as [Panel];
  const shownIn = (id: string) => panel.id(id);
  const needs = (ids: readonly string[], claim: () => Claim): Claim[] => (ids.every((id) => trained.includes(id)) ? [claim()] : []);
  const reproduced = threadText(NOT_REPRODUCED);
  return [
    ...needs(['tutorial'], () =>
      view.claim(
        {
          id: 'circle-learnt',
          claim: `The tutorial’s task is learnt with its recipe in ${view.results.profile.recipe.steps} steps: circles are drawn where their outlines are.`,
          source: `CN repository, docs/train.md; doubted in ${reproduced}`,
          test: `IoU of the circle after training, perfect prompt, guidance ${view.results.profile.drawn.guidance}; the outline counts as followed from 0.8 on.`,
          quantity: 'IoU of the circle',
          rule: { kind: 'above', bound: 0.8 },
          primary: true,
          shownIn: shownIn('circle'),
        },
        (each) => view.measured(given(each, 'tutorial', 'fidelity'), [0, 1]),
      ),
    ),
    ...needs(['tutorial'], () =>
      view.claim(
        {
          id: 'colours-learnt',
          claim: `In as many steps also in the colours that its prompt names, circle and background.`,
          source: 'CN repository, docs/train.md',
          test: 'Share of pictures with both colours nearest to the named ones, perfect prompt; at least 0.8.',
          quantity: 'both colours as named',
          rule: { kind: 'above', bound: 0.8 },
          primary: true,
          shownIn: shownIn('colours'),
        },
        (each) => view.measured(given(each, 'tutorial', 'both-colours'), [0, 1]),
      ),
    ),
    ...needs(['tutorial', 'half-batch'], () =>
      view.claim(
        {
          id: 'steps-count',
          claim: 'What brings control is the number of steps, not of samples: batches half as large bring it neither later nor earlier.',
          source: threadText(BATCHES),
          test: `Binary logarithm of the steps until the IoU of followed circles reaches ${CIRCLE.target}, half batches minus whole ones: 0 if steps count, 1 if samples do; half of that counts as the same. Half batches train for twice the steps; where a training of either never reaches it, nothing is judged.`,
          quantity: `log2 of steps to ${CIRCLE.label}, half batches − tutorial`,
          rule: { kind: 'within', lo: -0.5, hi: 0.5 },
          primary: true,
          shownIn: shownIn('reached'),
        },
        (each) => {
          const [half, whole] = [log2Steps(view, each, 'half-batch'), log2Steps(view, each, 'tutorial')];
          return half === null || whole === null ? null : view.difference(half, whole);
        },
      ),
    ),
    ...needs(['tutorial', 'unread'], () =>
      view.claim(
        {
          id: 'names-must-be-known',
          claim:
            'Colours come from what the base knows: names that it never read are drawn in wrong colours by a control that draws the circle.',
          source: 'CN repository, docs/train.md: the base “already knows what is cyan”',
          test: 'Colour difference of the circle (CIELAB) in the same pictures, names that the base never read minus names that it knows; 10 is the least that would be called another colour. This base reads all words that it never saw as one, so that the former name no colour at all. What the base makes of each caption without control is part of the difference.',
          quantity: 'circle’s colour difference, unread − known names',
          rule: { kind: 'above', bound: 10 },
          primary: true,
          shownIn: shownIn('colours'),
        },
        (each) => view.difference(given(each, 'unread', 'circle-colour'), given(each, 'tutorial', 'circle-colour')),
      ),
    ),
    ...needs(['tutorial', 'sentence'], () =>
      view.claim(
        {
          id: 'sentence-helps',
          claim: 'A base that reads the caption as it was meant lends the control its colours: told in its own grammar, they come out.',
          source: 'CN repository, docs/train.md: the base “already knows”',
          test: 'Colour difference of the circle (CIELAB) in the same pictures, the tutorial’s captions minus sentences; 10 is the least that would be called another colour. What the base makes of each caption without control is part of the difference: it reads colours as those of the background.',
          quantity: 'circle’s colour difference, tutorial − sentences',
          rule: { kind: 'above', bound: 10 },
          primary: true,
          shownIn: shownIn('colours'),
        },
        (each) => view.difference(given(each, 'tutorial', 'circle-colour'), given(each, 'sentence', 'circle-colour')),
      ),
    ),
    ...needs(['tutorial', 'sentence'], () =>
      view.claim(
        {
          id: 'sentence-helps-both',
          claim: 'Told in the base’s own grammar, circle and background come out in the named colours more often.',
          source: 'ours',
          test: `Share of pictures with both colours nearest to the named ones, perfect prompt, sentences minus the tutorial’s captions; less than ${LEAST_SHARE} counts as nothing.`,
          quantity: 'both colours as named, sentences − tutorial',
          rule: { kind: 'above', bound: LEAST_SHARE },
          primary: false,
          shownIn: shownIn('colours'),
        },
        (each) => view.difference(given(each, 'sentence', 'both-colours'), given(each, 'tutorial', 'both-colours'), [0, 1]),
      ),
    ),
    ...needs(['tutorial'], () =>
      view.claim(
        {
          id: 'weak-misleads',
          claim: `Pictures drawn at strength ${WEAK} say less than the network has learnt.`,
          source: threadText(WEAKER),
          test: `IoU of the circle at strength 1 minus strength ${WEAK}, same network and noise; 0.05 is the least that would be noticed.`,
          quantity: `IoU, strength 1 − ${WEAK}`,
          rule: { kind: 'above', bound: 0.05 },
          primary: true,
          shownIn: shownIn('drawn-iou'),
        },
        (each) => view.difference(given(each, 'tutorial', 'fidelity'), given(each, 'tutorial-weak', 'fidelity'), [0, 1]),
      ),
    ),
    ...needs(['tutorial'], () => suddenClaim(view, 'tutorial')),
  ];
}

/** Everything that is measured of a picture. */
const COLOURS = ['fidelity', 'circle-colour', 'ground-colour', 'both-colours', 'misplaced-colour'] as const;

/** Each question with what of this run answers it. */
function questions(view: View, panel: Panel, film: Awaited<ReturnType<typeof filmStrip>>): Question[] {
  const drawn = (ids: readonly string[]) => named(ids, panel.drawings);
  const all = drawn([BASE_ALONE.id, ...view.arms.flatMap(({ id }) => [baseUnder(id), id])]);
  const value = (id: string, measure: string, digits: number): string => numberText(panel.value(id, 'perfect', measure), digits);
  const values = (ids: readonly string[], measure: string, digits: number): string =>
    listText(drawn(ids).map(({ id, label }) => `${label} ${value(id, measure, digits)}`));
  const when = (ids: readonly string[]): string =>
    listText(
      view.arms
        .filter(({ id }) => ids.includes(id))
        .map(({ id, label }) => `${label} ${stepsToText(view, panel, id, CIRCLE.of, CIRCLE.target)}`),
    );
  const ceiling = (measure: string, digits: number): string => mean(panel.roundTrip(measure)).toFixed(digits);
  const ways = ['tutorial', 'tutorial-weak', ...GUIDANCES.map(guided)];
  return [
    {
      id: 'when',
      title: 'It does not come out: when should it?',
      needs: ['tutorial'],
      also: arms.map((arm) => arm.id),
      threads: NOT_REPRODUCED,
      asked:
        'after as many steps as the tutorial has, circles are not where their outlines are, and the loss shows nothing. The answer there: wait, SD1 fits at 4,000 to 6,000 steps of 4.',
      answer: `steps until the IoU of held-out circles reaches ${CIRCLE.target}: ${when(view.arms.map(({ id }) => id))}. At the end, after ${view.results.profile.recipe.steps} steps: ${values(
        all.map(({ id }) => id),
        'fidelity',
        2,
      )}; the autoencoder’s own ceiling is ${ceiling('fidelity', 2)}. Look at pictures of held-out outlines, not at the loss.`,
      blocks: [
        film,
        curves(view, panel),
        losses(
          view,
          panel,
          view.arms.filter(({ id, data }) => id !== 'half-batch' && data === undefined),
        ),
        reachedTable(view, panel, [CIRCLE, COLOUR, GROUND]),
        drawingBars(view, panel, 'circle', 'fidelity', {
          drawings: all,
          prompt: 'perfect',
          remark: `The autoencoder’s round trip of the pictures reaches ${ceiling('fidelity', 2)}.`,
        }),
      ],
    },
    {
      id: 'colour',
      title: 'The shape is right: are the colours?',
      needs: ['tutorial'],
      threads: NOT_REPRODUCED,
      asked: 'circles in the right place have wrong or washed-out colours, or right colours are in the wrong place.',
      answer: `both colours are the named ones in a share of ${values(
        all.map(({ id }) => id),
        'both-colours',
        2,
      )} (${ceiling('both-colours', 2)} through the autoencoder alone). The circle’s colour is off by ${values(
        all.map(({ id }) => id),
        'circle-colour',
        1,
      )} (${ceiling('circle-colour', 1)}); 2.3 is just noticeable, the two nearest of the ${BASE_COLOURS} colours are 29 apart. The background has the colour that is named for the circle in a share of ${values(
        all.map(({ id }) => id),
        'misplaced-colour',
        2,
      )}.`,
      blocks: [
        followedCurves(view, panel, 'circle-colour'),
        followedCurves(view, panel, 'ground-colour'),
        measureTable(view, panel, 'colours', COLOURS, 'perfect', all),
        measureTable(view, panel, 'unprompted', COLOURS, 'none', all),
        sideBySide(view, panel, { drawings: all.filter(({ data }) => data === undefined), prompt: 'perfect', id: 'arms-grid' }),
        ...all.flatMap((drawing) =>
          drawing.data === undefined ? [] : [sideBySide(view, panel, { drawings: [drawing], prompt: 'perfect', id: `${drawing.id}-grid` })],
        ),
      ],
    },
    {
      id: 'drawing',
      title: 'Is it the training, or how its pictures are drawn?',
      needs: ['tutorial'],
      threads: WEAKER,
      asked:
        'validation pictures were drawn at a lower strength than the network was trained for; the tutorial’s own logger draws with guidance 9.',
      answer: `IoU: ${values(ways, 'fidelity', 2)}. Circle’s colour off by: ${values(ways, 'circle-colour', 1)}.`,
      blocks: [
        drawingBars(view, panel, 'drawn-iou', 'fidelity', { drawings: drawn(ways), prompt: 'perfect' }),
        drawingBars(view, panel, 'drawn-colour', 'circle-colour', { drawings: drawn(ways), prompt: 'perfect' }),
        sideBySide(view, panel, { drawings: drawn(ways), prompt: 'perfect', id: 'ways-grid' }),
      ],
    },
  ];
}

/** Colours of the circles that the base knows by name. */
const BASE_COLOURS = 11;

const standard: Profile = {
  base: 'mini',
  data: 'fill50k',
  conditions: ['source'],
  seeds: 5,
  recipe: { ...recipe, examples: 8192, steps: 800, promptDrop: 0 },
  follow: { images: 8, steps: 10, every: 25, measures: ['circle-colour', 'ground-colour'] },
  drawn: { singles: 32, pairs: 0, steps: 10, solver: 'dpm++2m', guidance: 3, ownScenes: true },
  shown: { singles: 4, pairs: 0 },
};

const circles: Experiment = {
  id: 'fill50k',
  title: 'fill50k does not reproduce: what to expect, and when',
  description: 'the tutorial’s circles: when the shape comes and when the colours, by rate, batch, dropping, names, lock and drawing',
  profiles: {
    quick: {
      ...standard,
      arms: ['tutorial', 'sentence', 'unlocked'],
      seeds: 1,
      recipe: { ...standard.recipe, examples: 2048, steps: 600 },
      follow: { ...standard.follow, every: 50 },
      drawn: { ...standard.drawn, singles: 12 },
    },
    standard,
    tiny: {
      ...standard,
      arms: ['tutorial', 'half-batch', 'sentence', 'unread'],
      seeds: 1,
      recipe: { ...profiles.tiny.recipe, promptDrop: 0 },
      follow: { ...profiles.tiny.follow, measures: ['circle-colour', 'ground-colour'] },
      drawn: { ...profiles.tiny.drawn, pairs: 0 },
      shown: { singles: 2, pairs: 0 },
    },
  },
  arms,
  drawings,
  prompts: ['none', 'perfect'],
  measures: [conditionFidelity, circleColour, groundColour, bothColours, misplacedColour],
  roundTrip: true,
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const [first] = view.arms as [Arm];
    const at = (measure: string, digits: number, arm = first.id): string => panel.value(arm, 'perfect', measure).value.toFixed(digits);
    const others = view.arms.slice(1).map(({ id, label }) => `${at('both-colours', 2, id)} (${label})`);
    return `By ${first.label}, steps until the circle’s IoU is ${CIRCLE.target}: ${stepsToText(view, panel, first.id, CIRCLE.of, CIRCLE.target)}; drawn with guidance ${view.results.profile.drawn.guidance} it ends at ${at('fidelity', 2)}, and both colours are the named ones in ${at('both-colours', 2)} of the pictures${others.length === 0 ? '' : `; of other recipes in ${others.join(', ')}`}.`;
  },
  summary: ({ seeds, results: { profile } }) =>
    `ControlNet’s tutorial fills circles: an outline and a caption, “red circle with blue background”. That it does not come out is what users report most. Here it is trained on the embedded small Stable Diffusion, ${profile.recipe.steps} steps of ${profile.recipe.batchSize}, ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each, in the ${BASE_COLOURS} colours that this base knows by name; the words “circle” and “with” it does not know, which every caption has alike. What carries over to large models is the order of events and what moves them, not the number of steps.`,
  claims,
  sections: async (view) => {
    const [panel] = view.panels as [Panel];
    const film = await filmStrip(view, panel, 12);
    return [
      ...questions(view, panel, film).map((question) => questionSection(view, question)),
      { id: 'trained', title: 'What was trained', blocks: [trainingTable(view, panel)] },
    ];
  },
  lead: ({ panels: [panel] }) => panel!.id('film-strip'),
};

export default comparison(circles);
