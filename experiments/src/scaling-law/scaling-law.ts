import { parameterSpecs, UNet2DConditionModel } from '@controllab/core-blocks';
import { openMini, unetOfWidth } from '@controllab/mini-sd';
import { sealFirst } from '../comparison/sealed.ts';
import type { Job, JobContext, Task } from '../runner/job.ts';
import type { MemberRun } from './laws.ts';
import { familyReport, type FamilyResult } from './report.ts';
import { labelOfMember, memberFile, memberIdentity, storedMember, type FamilySetting, type MemberKey } from './train-member.ts';

/** Which members are trained for how long, and the larger run that is foretold from them. */
export interface FamilyProfile extends FamilySetting {
  readonly widths: readonly number[];
  readonly steps: readonly number[];
  readonly seeds: number;
  readonly larger: { readonly width: number; readonly steps: number };
  /** Whether the larger run is trained too, or only foretold. */
  readonly trainsLarger: boolean;
}

const standard: FamilyProfile = {
  widths: [16, 32, 48, 64],
  steps: [250, 500, 1000, 2000],
  seeds: 2,
  scenes: 49_152,
  batchSize: 16,
  learningRate: 1e-3,
  heldOut: { scenes: 128, timesteps: [125, 375, 625, 875] },
  larger: { width: 96, steps: 3000 },
  trainsLarger: true,
};

/** As few as a law of parameters and scenes can be told from. */
const small = { widths: [16, 32, 48], seeds: 1 };

export const profiles = {
  quick: {
    ...standard,
    ...small,
    steps: [40, 80, 160],
    scenes: 4096,
    heldOut: { ...standard.heldOut, scenes: 32 },
    larger: { width: 64, steps: 160 },
  },
  standard,
  /** The standard run without the larger one: its prediction is sealed before that is trained. */
  sealed: { ...standard, trainsLarger: false },
  tiny: {
    ...standard,
    ...small,
    steps: [10, 20, 30],
    scenes: 64,
    batchSize: 4,
    heldOut: { scenes: 2, timesteps: [500] },
    larger: { width: 64, steps: 30 },
  },
} satisfies Record<string, FamilyProfile>;

type At = Pick<JobContext<FamilyProfile>, 'profile' | 'seed'>;

const seedsOf = ({ profile, seed }: At): number[] => Array.from({ length: profile.seeds }, (_, i) => seed + i);

const gridOf = (at: At): MemberKey[] =>
  seedsOf(at).flatMap((seed) => at.profile.widths.flatMap((width) => at.profile.steps.map((steps) => ({ width, steps, seed }))));

const largerOf = (at: At): MemberKey[] => (at.profile.trainsLarger ? seedsOf(at).map((seed) => ({ ...at.profile.larger, seed })) : []);

const countOf = (width: number): number =>
  Object.values(parameterSpecs(new UNet2DConditionModel(unetOfWidth(width)))).reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );

async function tasks(at: JobContext<FamilyProfile>): Promise<Task[]> {
  return Promise.all(
    [...largerOf(at), ...gridOf(at)].map(async (key): Promise<Task> => {
      const identity = await memberIdentity(at, at.profile, key);
      return {
        id: `width-${key.width}-${key.steps}-${key.seed}`,
        label: labelOfMember(key),
        cost: key.width * key.steps,
        done: () => at.store.has('member', identity),
        run: async () => at.say(`weights: ${memberFile(await storedMember(at, at.profile, key))}`),
      };
    }),
  );
}

async function run(at: JobContext<FamilyProfile>): Promise<FamilyResult> {
  const all = async (keys: readonly MemberKey[]): Promise<MemberRun[]> => {
    const runs: MemberRun[] = [];
    for (const key of keys) {
      const { value, record } = await storedMember(at, at.profile, key);
      runs.push({ ...key, value, finishedAt: record.finishedAt });
    }
    return runs;
  };
  const { larger, batchSize, seeds } = at.profile;
  return {
    grid: await all(gridOf(at)),
    larger: { parameters: countOf(larger.width), samples: batchSize * larger.steps, replicates: seeds, runs: await all(largerOf(at)) },
  };
}

/** The base model's loss over parameters, scenes and operations, and a larger run that is foretold before it is trained. */
const scalingLaw: Job<FamilyProfile, FamilyResult> = {
  id: 'scaling-law',
  description: 'Trains a family of base models of several widths and lengths, fits laws, foretells a larger run; take `sealed` first',
  profiles,
  seeded: true,
  engines: 'onnx',
  trainings: ({ widths, steps, seeds, trainsLarger }) => seeds * (widths.length * steps.length + Number(trainsLarger)),
  plan: (profile) => (profile === standard ? sealFirst('scaling-law') : []),
  tasks,
  run,
  report: familyReport,
  sources: () => {
    const { hashes } = openMini();
    return {
      weightsHash: `vae ${hashes['vae']!.slice(0, 12)}, clip ${hashes['clip']!.slice(0, 12)}`,
      datasetHash: 'emoji-scenes, tier core',
    };
  },
};

export default scalingLaw;
