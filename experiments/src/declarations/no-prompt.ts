import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import { profiles } from './arms.ts';
import { armsByPrompts, curves, promptTable } from '../comparison/view/blocks.ts';
import { comparison } from '../comparison/comparison.ts';
import { conditionFidelity, objectRecognised } from '../comparison/compute/measures.ts';
import type { Experiment } from '../comparison/experiment.ts';
import { PAPER } from './paper-values.ts';

const methods = [controlNet(), controlNeXt()];
const arms = methods.flatMap((method) =>
  [0.5, 1].map((promptDrop) => ({
    id: `${method.id}-${100 * promptDrop}`,
    label: `${method.label}, ${100 * promptDrop}% dropped`,
    description: `${method.description}; ${100 * promptDrop}% of the prompts dropped while training`,
    method,
    recipe: { promptDrop },
  })),
);

const noPrompt: Experiment = {
  id: 'no-prompt',
  title: 'Control without a prompt',
  description: 'ControlNet and ControlNeXt trained with half and with all prompts dropped, drawn with and without one',
  profiles,
  arms,
  prompts: ['none', 'perfect'],
  measures: [conditionFidelity, objectRecognised],
  takeaway: ({ panels: [panel] }) =>
    `Without a prompt: ${arms.map(({ id, label }) => `${label} ${panel!.value(id, 'none', 'fidelity').value.toFixed(2)}`).join('; ')} (${panel!.measure('fidelity').label(panel!.condition)}).`,
  summary: () =>
    'Half of the prompts dropped is the paper’s recipe; with all of them dropped a network can learn from nothing but the condition.',
  lead: ({ panels: [panel] }) => panel!.id('pictures-grid'),
  claims: (view) => [
    view.claim(
      {
        id: 'all-dropped-helps',
        ...PAPER.promptDropping,
        test: 'Fidelity without a prompt of ControlNet trained with all prompts dropped minus half of them dropped, same noise and data; below 0.02 counts as none.',
        quantity: 'fidelity, all − half dropped, no prompt',
        rule: { kind: 'above', bound: 0.02 },
        primary: true,
        shownIn: view.panels[0]!.id('fidelity'),
      },
      (panel) =>
        view.difference(panel.samples('controlnet-100', 'none', 'fidelity'), panel.samples('controlnet-50', 'none', 'fidelity'), [0, 1]),
    ),
  ],
  sections: (view) =>
    view.panels.flatMap((panel) => [
      { id: panel.id('pictures'), title: 'The pictures', blocks: [armsByPrompts(view, panel)] },
      {
        id: panel.id('scores'),
        title: 'Scores',
        blocks: [promptTable(view, panel, 'fidelity'), promptTable(view, panel, 'object'), curves(view, panel)],
      },
    ]),
};

export default comparison(noPrompt);
