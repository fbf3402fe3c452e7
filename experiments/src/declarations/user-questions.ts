import { controlNet } from '@controllab/controlnet';
import type { Claim, Measurement } from '@controllab/report';
import { heldOut, profiles, undrawn } from './arms.ts';
import { lossBars, lossTable } from '../comparison/view/blocks/losses.ts';
import { drawingBars, measureTable } from '../comparison/view/blocks/measures.ts';
import { sideBySide } from '../comparison/view/blocks/pictures.ts';
import { curves, losses, trainingTable } from '../comparison/view/blocks/trainings.ts';
import { LOSS_RULES, lossClaim } from '../comparison/view/claims.ts';
import { comparison } from '../comparison/comparison.ts';
import type { TrainingValue } from '../comparison/compute/training/train.ts';
import { BASE, type Arm, type Drawing, type Experiment, type Profile } from '../comparison/experiment.ts';
import { conditionFidelity, contrast, objectRecognised, saturation } from '../comparison/compute/judging/measures.ts';
import { listText, named, numberText, questionSection, threadText, type Question, type Thread } from '../comparison/view/questions.ts';
import { mean, type Panel, type View } from '../comparison/view/view.ts';
import { PAPER } from '../paper-values.ts';

const varied = (id: string, label: string, more: Partial<Arm>): Arm => ({
  id,
  label,
  description: `ControlNet, ${label}`,
  method: controlNet(),
  ...more,
});

/** The one with half of the prompts dropped and the one for two conditions are trainings of the ablation and of `composition`. */
const DROPPED: readonly Arm[] = [
  varied('drop-0', '0% of prompts dropped', { recipe: { promptDrop: 0 } }),
  varied('drop-20', '20% of prompts dropped', { recipe: { promptDrop: 0.2 } }),
  varied('proposed', 'ControlNet (50% of prompts dropped)', {
    description: 'ControlNet, half of the prompts dropped, condition in [0, 1]',
  }),
  varied('drop-100', 'all prompts dropped', { recipe: { promptDrop: 1 } }),
];
const arms: readonly Arm[] = [
  ...DROPPED,
  varied('signed', 'condition in [−1, 1]', { method: controlNet({ conditionRange: 'signed' }) }),
  varied('both', 'edges and mask in one network', { condition: 'canny+mask' }),
  varied('latents', 'condition by the frozen autoencoder', { method: controlNet({ conditionEncoder: 'autoencoder' }) }),
  varied('levels-1', '1 level copied', { method: controlNet({ levels: 1 }) }),
  varied('levels-2', '2 levels copied', { method: controlNet({ levels: 2 }) }),
];

const GUIDANCES = [1, 3, 6, 9] as const;
const guided = (of: string, guidance: number): string => `${of}-guided-${guidance}`;

/** What is drawn: every network; fed in the wrong range; at several guidances, with control and without; without any prompt or guidance. */
function drawings(trained: readonly Arm[], { conditions }: Profile): Drawing[] {
  const panels = conditions;
  const has = (arm: string): boolean => trained.some(({ id }) => id === arm);
  const alone = (arm: string, more: Partial<Drawing> & { as?: Drawing['controls'][number]['as'] } = {}): Omit<Drawing, 'id' | 'label'> => {
    const { as, ...rest } = more;
    const condition = arms.find(({ id }) => id === arm)!.condition ?? 'canny';
    return { controls: [{ arm, condition, scale: 1, ...(as === undefined ? {} : { as }) }], panels, ...rest };
  };
  return [
    { id: BASE, label: 'base model, no control', controls: [], panels },
    ...trained.map(({ id, label }) => ({ id, label, ...alone(id) })),
    ...trained
      .filter(({ id }) => DROPPED.some((arm) => arm.id === id))
      .map(({ id, label }) => ({
        id: `${id}-conditional`,
        label: `${label}, no prompt`,
        ...alone(id, { controlIn: 'conditional', prompts: ['none'] }),
      })),
    ...(has('signed')
      ? [
          {
            id: 'unit-as-signed',
            label: 'trained in [0, 1], fed in [−1, 1]',
            ...alone('proposed', { as: controlNet({ conditionRange: 'signed' }) }),
          },
          { id: 'signed-as-unit', label: 'trained in [−1, 1], fed in [0, 1]', ...alone('signed', { as: controlNet() }) },
        ]
      : []),
    ...GUIDANCES.flatMap((guidance): Drawing[] => [
      {
        id: guided('proposed', guidance),
        label: `ControlNet, guidance ${guidance}`,
        ...alone('proposed', { guidance, prompts: ['perfect'] }),
      },
      { id: guided(BASE, guidance), label: `no control, guidance ${guidance}`, controls: [], panels, guidance, prompts: ['perfect'] },
    ]),
    { id: 'unguided-base', label: 'no prompt, no guidance, no control', controls: [], panels, guidance: 1, prompts: ['none'] },
    ...trained
      .filter(({ id }) => id === 'proposed' || id === 'drop-100')
      .map(({ id, label }) => ({
        id: `${id}-unguided`,
        label: `no prompt, no guidance: ${label}`,
        ...alone(id, { guidance: 1, prompts: ['none'] }),
      })),
  ];
}

const threads = (...numbers: number[]): Thread[] => numbers.map((number) => ({ repository: 'lllyasviel/ControlNet', number }));
const ENCODER: Thread[] = threads(335, 599);
const LEVELS: Thread[] = [
  { repository: 'christopher-beckham/flux-controlnet', number: 1 },
  { repository: 'TheDenk/wan2.2-controlnet', number: 6 },
  { repository: 'huggingface/diffusers', number: 11321 },
];
const DROPPING: Thread[] = [...threads(160, 246, 422, 506, 602, 613), { repository: 'vislearn/ControlNet-XS', number: 20 }];

const loss = (panel: Panel, arm: string, prompt: 'none' | 'perfect') => panel.heldOut(arm, prompt);

/** The least change of contrast, of 0 to 1, that shows beside the scene. */
const LEAST_CONTRAST = 0.02;

/** What raising guidance from 1 to 9 adds to a measure, with control or without. */
const raised = (panel: Panel, of: string, measure: string): number[] => {
  const [low, high] = [1, 9].map((guidance) => panel.samples(guided(of, guidance), 'perfect', measure).map(mean)) as [number[], number[]];
  return high.map((value, i) => value - low[i]!);
};

function claims(view: View): Claim[] {
  const trained = view.meant;
  const shownIn = (block: string): string => view.panels[0]!.id(block);
  const fidelityClaim = (
    text: { id: string; claim: string; source: string; test: string; quantity: string; shownIn: string },
    [a, b]: readonly [string, string],
    prompt: 'none' | 'perfect',
  ): Claim =>
    view.claim({ ...text, rule: { kind: 'above', bound: 0.1 }, primary: true }, (panel) =>
      view.difference(panel.samples(a, prompt, 'fidelity'), panel.samples(b, prompt, 'fidelity'), [0, 1]),
    );
  return [
    ...lossClaim(
      view,
      {
        ...PAPER.promptDropping,
        id: 'dropping-helps',
        test: 'No prompts dropped minus half of them.',
        quantity: 'held-out loss without a prompt, 0% − 50% dropped',
      },
      ['drop-0', 'proposed'],
      (panel) => view.difference(loss(panel, 'drop-0', 'none'), loss(panel, 'proposed', 'none')),
    ),
    ...(trained.includes('drop-0')
      ? [
          view.claim(
            {
              id: 'dropping-costs-nothing',
              claim: 'Dropping half of the prompts costs next to nothing where a prompt is given.',
              source: threadText(DROPPING),
              test: `Held-out loss with a perfect prompt, half dropped minus none, mean over timesteps, same noise; less than ${LOSS_RULES.hardlyMore.bound} counts as nothing.`,
              quantity: 'held-out loss with a prompt, 50% − 0% dropped',
              rule: LOSS_RULES.hardlyMore,
              primary: true,
              shownIn: shownIn('dropping-loss'),
            },
            (panel) => view.difference(loss(panel, 'proposed', 'perfect'), loss(panel, 'drop-0', 'perfect')),
          ),
        ]
      : []),
    ...(trained.includes('signed')
      ? [
          view.claim(
            {
              id: 'range-does-not-matter',
              claim: 'Whether conditions are trained in [0, 1] or [−1, 1] does not matter.',
              source: threadText(threads(112, 473, 603)),
              test: `Held-out loss without a prompt, [−1, 1] minus [0, 1], mean over timesteps, same noise; less than ${LOSS_RULES.alike.hi} counts as nothing.`,
              quantity: 'held-out loss, [−1, 1] − [0, 1]',
              rule: LOSS_RULES.alike,
              primary: true,
              shownIn: shownIn('range-loss'),
            },
            (panel) => view.difference(loss(panel, 'signed', 'none'), loss(panel, 'proposed', 'none')),
          ),
          fidelityClaim(
            {
              id: 'wrong-range-fails',
              claim: 'A network that was trained on [0, 1] follows its condition less closely when it is fed [−1, 1].',
              source: threadText(threads(112)),
              test: 'Fidelity with a perfect prompt in the trained range minus in the other one, same noise; 0.1 is the least that would be noticed.',
              quantity: 'fidelity lost, fed in [−1, 1]',
              shownIn: shownIn('range-fidelity'),
            },
            ['proposed', 'unit-as-signed'],
            'perfect',
          ),
        ]
      : []),
    ...lossClaim(
      view,
      {
        id: 'frozen-autoencoder-helps',
        claim: 'With a frozen autoencoder in place of the hint encoder more is learnt in as many steps.',
        source: `ours, after ${PAPER.frozenAutoencoder.source}`,
        test: 'Hint encoder minus autoencoder, equal steps.',
        quantity: 'held-out loss, hint encoder − frozen autoencoder',
      },
      ['proposed', 'latents'],
      (panel) => view.difference(loss(panel, 'proposed', 'none'), loss(panel, 'latents', 'none')),
    ),
    ...lossClaim(
      view,
      {
        id: 'all-levels-count',
        claim: 'With the coarsest level and the middle block copied too more is learnt in as many steps.',
        source: threadText(LEVELS),
        test: 'The two finest of three levels copied minus all of the encoder, equal steps.',
        quantity: 'held-out loss, 2 levels − all',
      },
      ['proposed', 'levels-2'],
      (panel) => view.difference(loss(panel, 'levels-2', 'none'), loss(panel, 'proposed', 'none')),
    ),
    view.claim(
      {
        id: 'guidance-raises-contrast',
        claim: 'Guidance raises contrast.',
        source: threadText(threads(583, 530)),
        test: `Standard deviation of luma, ControlNet at guidance 9 minus 1, same noise; ${LEAST_CONTRAST} is the least that shows.`,
        quantity: 'contrast, guidance 9 − 1, with control',
        rule: { kind: 'above', bound: LEAST_CONTRAST },
        primary: true,
        shownIn: shownIn('guidance-contrast'),
      },
      (panel) =>
        view.measured(
          raised(panel, 'proposed', 'contrast').map((value) => [value]),
          [-1, 1],
        ),
    ),
    view.claim(
      {
        id: 'shift-is-guidances',
        claim: 'The shift is guidance’s, not ControlNet’s: without control it is the same.',
        source: threadText(threads(583, 530)),
        test: `The same rise with control minus without; within ±${LEAST_CONTRAST} counts as the same. Measured only where guidance raises contrast by more than that without control: of no shift there is nothing to say.`,
        quantity: 'rise of contrast with guidance, with control − without',
        rule: { kind: 'within', lo: -LEAST_CONTRAST, hi: LEAST_CONTRAST },
        primary: true,
        shownIn: shownIn('guidance-contrast'),
      },
      (panel) => {
        const [controlled, alone] = ['proposed', BASE].map((of) => raised(panel, of, 'contrast'));
        const rows = (values: readonly number[]): number[][] => values.map((value) => [value]);
        return mean(alone!) > LEAST_CONTRAST ? view.difference(rows(controlled!), rows(alone!)) : null;
      },
    ),
    ...(trained.includes('drop-100')
      ? [
          fidelityClaim(
            {
              id: 'unconditional-follows',
              claim: 'A base that is given no prompt at all, in training and drawing, follows its condition all the same.',
              source: threadText(threads(373, 752)),
              test: 'Fidelity without a prompt and without guidance, trained with all prompts dropped, minus that of the base without control; 0.1 is the least that would be noticed.',
              quantity: 'fidelity, never a prompt − no control',
              shownIn: shownIn('unconditional-fidelity'),
            },
            ['drop-100-unguided', 'unguided-base'],
            'none',
          ),
        ]
      : []),
  ];
}

/** How far training losses of one step and the next are apart, and by how much training lowers the loss on held-out scenes, first seed. */
function lossesText(panel: Panel): string {
  const [{ losses: all }] = panel.trainings('proposed') as [TrainingValue];
  const apart = mean(all.slice(1).map((value, i) => Math.abs(value - all[i]!)));
  const [without, trained] = ([BASE, 'proposed'] as const).map((of) => mean(loss(panel, of, 'none')[0]!));
  return `in one training of ControlNet, losses of one step and the next are ${apart.toFixed(3)} apart on average, and the whole training takes the loss on held-out scenes without a prompt from the base model’s ${without!.toFixed(3)} to ${trained!.toFixed(3)}.`;
}

/** Each question with what of this run answers it. */
function questions(view: View, panel: Panel): Question[] {
  const shown = (ids: readonly string[]) => named(ids, view.arms);
  const drawn = (ids: readonly string[]) => named(ids, panel.drawings);
  const values = (ids: readonly string[], prompt: 'none' | 'perfect', measure = 'fidelity'): string =>
    listText(drawn(ids).map(({ id, label }) => `${label} ${numberText(panel.value(id, prompt, measure), 2)}`));
  const lossText = (ids: readonly string[], prompt: 'none' | 'perfect'): string =>
    listText(shown(ids).map(({ id, label }) => `${label} ${numberText(view.measured(loss(panel, id, prompt), [0, Number.MAX_VALUE]), 4)}`));
  const real = (measure: string): string => mean(panel.real(measure)).toFixed(2);
  const change = (of: string, measure: string): Measurement =>
    view.measured(
      raised(panel, of, measure).map((value) => [value]),
      [-1, 1],
    );
  const dropped = DROPPED.map(({ id }) => id);
  const levels = ['levels-1', 'levels-2'];
  const ranges = ['proposed', 'signed', 'unit-as-signed', 'signed-as-unit'];
  const guidances = [BASE, 'proposed'].flatMap((of) => GUIDANCES.map((guidance) => guided(of, guidance)));
  const unguided = ['unguided-base', 'proposed-unguided', 'drop-100-unguided'];
  return [
    {
      id: 'dropping',
      title: 'How many prompts should be dropped while training?',
      needs: ['proposed', 'drop-0'],
      also: dropped,
      threads: DROPPING,
      asked: 'the paper replaces half of the prompts by empty strings, diffusers’ script none by default, and some advise against it.',
      answer: `held-out loss without a prompt: ${lossText(dropped, 'none')}; with a perfect prompt: ${lossText(dropped, 'perfect')}. Objects recognised without a prompt, control in the conditional half of guidance: ${values(
        dropped.map((id) => `${id}-conditional`),
        'none',
        'object',
      )}.`,
      blocks: [
        lossBars(view, panel, 'dropping-loss', shown(dropped)),
        sideBySide(view, panel, { drawings: drawn(dropped.map((id) => `${id}-conditional`)), prompt: 'none', id: 'dropping-grid' }),
      ],
    },
    {
      id: 'range',
      title: 'Is the condition in [0, 1] or in [−1, 1]?',
      needs: ['proposed', 'signed'],
      threads: threads(112, 473, 603),
      asked: 'pictures are normalised to [−1, 1], conditions in the released code to [0, 1].',
      answer: `trained in each range, held-out loss without a prompt: ${lossText(['proposed', 'signed'], 'none')}. Fed in the right range and in the wrong one (fidelity): ${values(ranges, 'perfect')}.`,
      blocks: [
        lossBars(view, panel, 'range-loss', shown(['proposed', 'signed'])),
        drawingBars(view, panel, 'range-fidelity', 'fidelity', { drawings: drawn(ranges), prompt: 'perfect' }),
      ],
    },
    {
      id: 'colours',
      title: 'Why do colours and contrast shift?',
      needs: ['proposed'],
      threads: threads(583, 530),
      asked: 'pictures under control come out too contrasty or too saturated; guidance is suspected.',
      answer: `from guidance 1 to 9 contrast changes by ${numberText(change('proposed', 'contrast'), 3)} with control and by ${numberText(change(BASE, 'contrast'), 3)} without, saturation by ${numberText(change('proposed', 'saturation'), 3)} and ${numberText(change(BASE, 'saturation'), 3)}; the scenes themselves have ${real('contrast')} and ${real('saturation')}.`,
      blocks: [
        drawingBars(view, panel, 'guidance-contrast', 'contrast', { drawings: drawn(guidances), prompt: 'perfect' }),
        drawingBars(view, panel, 'guidance-saturation', 'saturation', { drawings: drawn(guidances), prompt: 'perfect' }),
        sideBySide(view, panel, { drawings: drawn(guidances), prompt: 'perfect', id: 'guidance-grid' }),
      ],
    },
    {
      id: 'two-conditions',
      title: 'Can one network take two conditions?',
      needs: ['proposed', 'both'],
      threads: threads(14, 271, 536),
      asked: 'whether two conditions need two networks, or can be channels of one picture.',
      answer: `fidelity to the edges with a perfect prompt: ${values(['proposed', 'both'], 'perfect')}. Two networks added, weighed and silent are the subject of the experiment \`composition\`.`,
      blocks: [drawingBars(view, panel, 'two-fidelity', 'fidelity', { drawings: drawn(['proposed', 'both']), prompt: 'perfect' })],
    },
    {
      id: 'encoder',
      title: 'Can a pretrained encoder take the hint encoder’s place?',
      needs: ['proposed', 'latents'],
      threads: ENCODER,
      asked:
        'the hint encoder trains from scratch; the autoencoder that the base has could encode the condition as it encodes pictures. CtrLoRA does so, its copy then sees the condition’s latents alone, and says that it converges faster.',
      answer: `held-out loss without a prompt: ${lossText(['proposed', 'latents'], 'none')}; fidelity with a perfect prompt: ${values(['proposed', 'latents'], 'perfect')}. When control comes is the subject of the experiment \`convergence\`.`,
      blocks: [
        lossBars(view, panel, 'encoder-loss', shown(['proposed', 'latents'])),
        sideBySide(view, panel, { drawings: drawn(['proposed', 'latents']), prompt: 'perfect', id: 'encoder-grid' }),
      ],
    },
    {
      id: 'levels',
      title: 'How many layers must be copied?',
      needs: ['proposed', 'levels-2'],
      also: levels,
      threads: LEVELS,
      asked: 'ControlNets of newer bases copy a half or a tenth of their layers; what that costs is not said.',
      answer: `of the base’s three levels one, two, and all with the middle block; held-out loss without a prompt: ${lossText([...levels, 'proposed'], 'none')}; fidelity with a perfect prompt: ${values([...levels, 'proposed'], 'perfect')}; learnable parameters: ${listText(shown([...levels, 'proposed']).map(({ id, label }) => `${label} ${panel.trainings(id)[0]!.parameters.control.toLocaleString('en')}`))}.`,
      blocks: [lossBars(view, panel, 'levels-loss', shown([...levels, 'proposed']))],
    },
    {
      id: 'unconditional',
      title: 'Does it work on an unconditional base?',
      needs: ['proposed', 'drop-100'],
      threads: threads(373, 752),
      asked:
        'a ControlNet on a base without prompts seems to ignore its condition. Here the base is never given one: all are dropped in training, none is given in drawing, and there is no guidance.',
      answer: `fidelity: ${values(unguided, 'none')}.`,
      blocks: [
        drawingBars(view, panel, 'unconditional-fidelity', 'fidelity', { drawings: drawn(unguided), prompt: 'none' }),
        sideBySide(view, panel, { drawings: drawn(unguided), prompt: 'none', id: 'unconditional-grid' }),
      ],
    },
    {
      id: 'flat-loss',
      title: 'The loss is flat: does it learn, and when?',
      needs: [],
      threads: threads(198, 215, 265, 685),
      asked:
        'the training loss shows nothing for thousands of steps, fill50k does not come out. Its circles are the subject of the experiment `fill50k`; here are the scenes.',
      answer: `${lossesText(panel)} Fidelity to the condition shows when it is learnt. When that is, and what moves it, is the subject of the experiment \`convergence\`.`,
      blocks: [losses(view, panel), curves(view, panel, { arms: view.arms.filter(({ condition }) => condition === undefined) })],
    },
  ];
}

const standard: Profile = {
  ...undrawn.byCourse,
  follow: profiles.standard.follow,
  seeds: 5,
  heldOut,
  drawn: { singles: 32, pairs: 0, steps: 10, solver: 'dpm++2m', guidance: 3, ownScenes: true },
  shown: { singles: 4, pairs: 0 },
};

const userQuestions: Experiment = {
  id: 'user-questions',
  title: 'What users ask of ControlNet, answered by measurement',
  description:
    'prompt dropping, range and encoder of the condition, layers copied, colours under guidance, two conditions, no prompts at all, a flat loss',
  profiles: {
    quick: {
      ...standard,
      arms: ['drop-0', 'proposed', 'drop-100', 'signed'],
      seeds: 1,
      recipe: { ...standard.recipe, examples: 1024, steps: 120 },
      follow: { ...standard.follow, every: 60 },
      drawn: { ...standard.drawn, singles: 12 },
    },
    standard,
    tiny: {
      ...profiles.tiny,
      arms: ['drop-0', 'proposed', 'drop-100', 'signed'],
      drawn: { ...profiles.tiny.drawn, pairs: 0 },
      shown: { singles: 2, pairs: 0 },
    },
  },
  arms,
  // Of ControlNets on Canny edges, paired by seed; two of the published ablation's arms scatter by up to 0.011.
  expected: { results: 9, differences: [{ quantity: 'held-out loss', scatter: 0.005 }] },
  drawings,
  prompts: ['none', 'perfect'],
  measures: [conditionFidelity, objectRecognised, contrast, saturation],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const text = (arm: string): string => view.measured(loss(panel, arm, 'none')).value.toFixed(3);
    return `Held-out loss without a prompt: ${view.arms.map(({ id, label }) => `${text(id)} (${label})`).join(', ')}.`;
  },
  summary: ({ seeds, results: { profile } }) =>
    `Questions that come again and again in the issue trackers, with the threads that they stand in. Each has a small experiment: ControlNets on Canny edges, ${profile.recipe.steps} steps of ${profile.recipe.batchSize}, ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each, on the embedded small Stable Diffusion. What carries over to large models is the mechanism, not the numbers.`,
  claims,
  sections: (view) => {
    const [panel] = view.panels as [Panel];
    return [
      ...questions(view, panel).map((question) => questionSection(view, question)),
      {
        id: 'all',
        title: 'What was trained',
        blocks: [
          lossTable(view, panel),
          trainingTable(view, panel),
          measureTable(view, panel, 'all-drawings', ['fidelity', 'contrast', 'saturation'], 'perfect'),
        ],
      },
    ];
  },
  lead: ({ panels: [panel] }) => panel!.id('guidance-grid'),
};

export default comparison(userQuestions);
