/**
 * A program of the tests that kill runs: the comparison "two-arms" alone, whose name comes first as it does for workers. It has everything
 * that a comparison stores and shows, in half a minute.
 */
import { runCommand, runProgram } from '@controllab/command-line';
import { controlNet, controlNetLite } from '@controllab/controlnet';
import { comparison } from '../comparison/comparison.ts';
import { conditionFidelity, objectRecognised } from '../comparison/compute/judging/measures.ts';
import { lossTable } from '../comparison/view/blocks/losses.ts';
import { promptBars, promptTable } from '../comparison/view/blocks/measures.ts';
import { armsByPrompts, filmStrip } from '../comparison/view/blocks/pictures.ts';
import { curves, losses, trainingTable } from '../comparison/view/blocks/trainings.ts';
import { profiles } from '../declarations/arms.ts';
import { jobCommand } from '../runner/run-job.ts';
import { deliverSignalsOnce } from '../runner/signals.ts';
import { endWithParent } from '../runner/workers.ts';

const job = comparison({
  id: 'two-arms',
  title: 'Two arms',
  description: 'Trains two arms for a few steps',
  profiles: { tiny: profiles.tiny },
  arms: [
    { id: 'proposed', label: 'ControlNet', description: 'a copy', method: controlNet() },
    { id: 'lite', label: 'ControlNet-lite', description: 'a convolution a block', method: controlNetLite() },
  ],
  prompts: ['none', 'perfect'],
  measures: [conditionFidelity, objectRecognised],
  takeaway: () => 'Two arms train.',
  summary: () => '',
  lead: ({ panels: [panel] }) => panel!.id('pictures-grid'),
  claims: () => [],
  sections: async (view) => {
    const [panel] = view.panels;
    return [
      {
        id: 'all',
        title: 'All',
        blocks: [
          armsByPrompts(view, panel!),
          await filmStrip(view, panel!),
          curves(view, panel!),
          losses(view, panel!),
          promptBars(view, panel!, 'fidelity'),
          promptTable(view, panel!, 'object'),
          lossTable(view, panel!),
          trainingTable(view, panel!),
        ],
      },
    ];
  },
});

deliverSignalsOnce();
endWithParent();
await runProgram(() => runCommand(jobCommand(job), process.argv.slice(3)));
