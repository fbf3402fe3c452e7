import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They replace modules, or what belongs to the whole process, or say what it takes. */
const ALONE = [
  'packages/command-line/src/run-program.test.ts',
  'packages/mini-sd/src/pretrain/run-stage.test.ts',
  'packages/python-peer/src/python-peer.test.ts',
  'packages/training/src/run-training.test.ts',
  'experiments/src/declarations/reports.test.ts',
  'experiments/src/fuzz/fuzz.test.ts',
  'experiments/src/train/train.test.ts',
];

/** Short files that take long: by size, as Vitest orders them, one of them would run alone at the end. */
const LONG = ['fixtures/src/fixtures.test.ts', 'experiments/src/comparison/killed.test.ts', 'experiments/src/runner/sweep/sweep.test.ts'];

/** What runs alone, then what takes long, then the rest. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const turn = ({ moduleId, project }: TestSpecification): number =>
      project.name === 'alone' ? 0 : LONG.some((file) => moduleId.endsWith(file)) ? 1 : 2;
    return (await super.sort(files)).sort((a, b) => turn(a) - turn(b));
  }
}

// Packages export their sources under the `controllab` condition: no build step between an edit and a test.
export default defineConfig({
  resolve: { conditions: ['controllab', 'module', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['controllab', 'module', 'node', 'import', 'default'] } },
  test: {
    globalSetup: 'tools/test-folder.mjs',
    pool: 'forks',
    execArgv: ['--conditions=controllab'],
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A page that draws its figures anew takes seconds on a loaded machine; a second is what there would be.
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: [
            'packages/*/src/**/*.test.ts',
            'datasets/*/src/**/*.test.ts',
            'experiments/**/*.test.ts',
            'fixtures/src/**/*.test.ts',
            'tools/**/*.test.mjs',
          ],
          exclude: ['**/node_modules/**', ...ALONE],
          // Every file would load the workspace's modules anew, a fifth of all time.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
  },
});
