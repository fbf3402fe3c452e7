import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Claim } from '@controllab/report';
import { profiles } from './arms.ts';
import { drawingBars, measureTable } from '../comparison/view/blocks/measures.ts';
import { sideBySide } from '../comparison/view/blocks/pictures.ts';
import { trainingTable } from '../comparison/view/blocks/trainings.ts';
import { comparison } from '../comparison/comparison.ts';
import { BASE, type Arm, type Drawing, type Experiment, type Profile } from '../comparison/experiment.ts';
import { conditionFidelity, frechet, styleKept } from '../comparison/compute/judging/measures.ts';
import { mean, type Panel, type View } from '../comparison/view/view.ts';
import { PAPER } from '../paper-values.ts';

const STYLES = ['twemoji', 'noto', 'fluent'] as const;
type Style = (typeof STYLES)[number];
const baseOf = (style: Style): string => `mini:${style}`;

const methods = [controlNet(), controlNeXt()];

/** Trained on the base model, and a ControlNet trained on each community model with pictures of its artist. */
const arms: readonly Arm[] = [
  ...methods.map((method) => ({ id: method.id, label: method.label, description: method.description, method })),
  ...STYLES.map((style) => ({
    id: `trained-${style}`,
    label: `ControlNet trained on ${style}`,
    description: `ControlNet trained on the community model in the style of ${style}`,
    method: controlNet(),
    base: baseOf(style),
  })),
];

/** On the base that everything but three arms was trained on, and on each community model: alone, carried over, trained there. */
const drawings = (trained: readonly Arm[], { conditions }: Profile): Drawing[] => {
  const has = (arm: string): boolean => trained.some(({ id }) => id === arm);
  const styles = STYLES.filter((style) => has(`trained-${style}`));
  return [
    { id: BASE, label: 'base model, no control', controls: [], panels: conditions },
    ...conditions.flatMap((condition) => {
      const on = (arm: string) => ({ controls: [{ arm, condition, scale: 1 }], panels: [condition] });
      return [
        ...methods.map(({ id, label }) => ({ id, label: `${label}, own base`, ...on(id) })),
        ...styles.flatMap((style): Drawing[] => {
          const base = baseOf(style);
          return [
            { id: `${BASE}-${style}`, label: 'no control', controls: [], base, panels: [condition] },
            { id: `controlnet-on-${style}`, label: 'ControlNet, carried over', ...on('controlnet'), base },
            { id: `weights-on-${style}`, label: 'ControlNeXt, weights', ...on('controlnext'), base },
            { id: `increments-on-${style}`, label: 'ControlNeXt, increments', ...on('controlnext'), base, carried: 'increments' },
            { id: `trained-on-${style}`, label: 'ControlNet, trained there', ...on(`trained-${style}`), base },
          ];
        }),
      ];
    }),
  ];
};

const minus = (view: View, measure: string, a: string, b: string) => (panel: Panel) =>
  view.difference(panel.samples(a, 'perfect', measure), panel.samples(b, 'perfect', measure), [0, 1]);

/** A difference of fidelity, or of the share of pictures in the artist's style, below this changes nobody's choice. */
const LEAST = 0.05;

/** What the artist's own scenes reach by a measure. */
const reached = ({ panels: [panel] }: View, style: Style, measure: string): string =>
  mean(panel!.real(measure, { base: baseOf(style) })).toFixed(2);

const LIST = new Intl.ListFormat('en-GB');

const stylesOf = (view: View): Style[] => STYLES.filter((style) => view.arms.some(({ id }) => id === `trained-${style}`));

function claims(view: View): Claim[] {
  return stylesOf(view).flatMap((style) => {
    const shownIn = view.panels[0]!.id(`fidelity-${style}`);
    const [carried, there] = [`controlnet-on-${style}`, `trained-on-${style}`];
    const ofTransfer = { ...PAPER.transfer, primary: true, rule: { kind: 'above', bound: -LEAST }, shownIn } as const;
    return [
      view.claim(
        {
          ...ofTransfer,
          id: `controlnet-transfers-${style}`,
          test: `Fidelity with a perfect prompt on the community model, ControlNet carried over minus ControlNet trained there, same noise and scenes; a loss of ${LEAST} is the least that would matter.`,
          quantity: `fidelity on ${style}, carried over − trained there`,
        },
        minus(view, 'fidelity', carried, there),
      ),
      view.claim(
        {
          ...ofTransfer,
          id: `controlnet-steers-${style}`,
          primary: false,
          test: `Fidelity with a perfect prompt on the community model, ControlNet carried over minus no control, same noise and scenes; less than ${LEAST} counts as none.`,
          quantity: `fidelity on ${style}, carried over − no control`,
          rule: { kind: 'above', bound: LEAST },
        },
        minus(view, 'fidelity', carried, `${BASE}-${style}`),
      ),
      view.claim(
        {
          ...ofTransfer,
          id: `style-stays-${style}`,
          test: `Share of pictures that a linear discriminant takes for this artist’s rather than OpenMoji’s, ControlNet carried over minus ControlNet trained there, same noise and scenes; a loss of ${LEAST} is the least that would matter.`,
          quantity: `style kept on ${style}, carried over − trained there`,
        },
        minus(view, 'style', carried, there),
      ),
      view.claim(
        {
          id: `increments-keep-style-${style}`,
          claim: 'What ControlNeXt trained of its base is carried over as increments: whole weights would bring the old style back.',
          source: 'ControlNeXt repository, advice on weight increments; #22, #25',
          test: `Share of pictures that the discriminant takes for this artist’s, increments minus whole weights; less than ${LEAST} counts as none.`,
          quantity: `style kept on ${style}, increments − weights`,
          rule: { kind: 'above', bound: LEAST },
          primary: true,
          shownIn,
        },
        minus(view, 'style', `increments-on-${style}`, `weights-on-${style}`),
      ),
    ];
  });
}

const transfer: Experiment = {
  id: 'transfer',
  title: 'Does a control carry over to community models?',
  description: 'ControlNet and ControlNeXt (weights, increments) on bases in three other styles, beside training there',
  profiles: {
    quick: {
      ...profiles.quick,
      arms: ['controlnet', 'controlnext', 'trained-noto'],
      drawn: { ...profiles.quick.drawn, singles: 24, pairs: 0 },
      shown: { singles: 4, pairs: 0 },
      recipe: { ...profiles.quick.recipe, examples: 1024, steps: 160 },
    },
    standard: {
      ...profiles.standard,
      conditions: ['scribble'],
      seeds: 5,
      drawn: { ...profiles.standard.drawn, singles: 96, pairs: 0 },
      shown: { singles: 6, pairs: 0 },
    },
    tiny: {
      ...profiles.tiny,
      arms: ['controlnet', 'controlnext', 'trained-noto'],
      drawn: { ...profiles.tiny.drawn, pairs: 0 },
      shown: { singles: 2, pairs: 0 },
    },
  },
  arms,
  conditions: 'one',
  drawings,
  prompts: ['perfect'],
  measures: [conditionFidelity, styleKept, frechet],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const value = (measure: string, drawing: string): string => panel.value(drawing, 'perfect', measure).value.toFixed(2);
    const each = (of: (style: Style) => string): string => stylesOf(view).map((style) => `${of(style)} (${style})`).join(', '); // prettier-ignore
    return [
      `Fidelity of a ControlNet carried over, of one trained there, and without control: ${each((style) => LIST.format(['controlnet-on', 'trained-on', BASE].map((drawing) => value('fidelity', `${drawing}-${style}`))))}; on its own base ${value('fidelity', 'controlnet')}.`,
      `Of the community model’s style ControlNeXt keeps, with whole weights and with increments: ${each((style) => LIST.format(['weights-on', 'increments-on'].map((drawing) => value('style', `${drawing}-${style}`))))}.`,
    ].join(' ');
  },
  summary: (view) => {
    const real = stylesOf(view).map((style) => `${reached(view, style, 'fidelity')} (${style})`);
    return `The community models are low-rank adapters of the same U-Net that draw as other artists do. Scenes and conditions are in the style of the base that draws them, so that no control is favoured by its own artist’s outlines. What reads the condition back was trained on OpenMoji’s drawings alone: the other artists’ own scenes reach ${LIST.format(real)}, so that fidelity is of less use here than elsewhere, and a control that draws more like OpenMoji is read more easily.`;
  },
  claims,
  sections: (view) => {
    const [panel] = view.panels as [Panel];
    return [
      ...stylesOf(view).map((style) => {
        const shown = panel.drawings.filter(({ base }) => base === baseOf(style));
        const bars = (measure: string) =>
          drawingBars(view, panel, `${measure}-${style}`, measure, {
            drawings: shown,
            prompt: 'perfect',
            remark: `The artist’s own scenes reach ${reached(view, style, measure)}.`,
          });
        return {
          id: panel.id(style),
          title: `On ${style}`,
          blocks: [
            sideBySide(view, panel, { drawings: shown, prompt: 'perfect', id: `grid-${style}` }),
            bars('fidelity'),
            bars('style'),
            measureTable(view, panel, `table-${style}`, ['fidelity', 'style', 'frechet'], 'perfect', shown),
          ],
        };
      }),
      {
        id: 'own',
        title: 'On the base that they were trained on',
        blocks: [
          measureTable(
            view,
            panel,
            'table-own',
            ['fidelity', 'frechet'],
            'perfect',
            panel.drawings.filter(({ base }) => base === undefined),
          ),
        ],
      },
      { id: 'trained', title: 'What was trained', blocks: [trainingTable(view, panel)] },
    ];
  },
  lead: (view) => view.panels[0]!.id(`grid-${stylesOf(view)[0]!}`),
};

export default comparison(transfer);
