import type { NetworkRun } from '@controllab/tfjs-onnx';
import type { Sources, TrainingSource } from '../runner/job.ts';
import { NOT_RECORDED, runText } from '../runner/numerics.ts';
import { trainedFrom, type Arm } from './experiment.ts';
import type { GroundResults, Results } from './results.ts';

/** Whose weights a network has, by the name that it is compiled under: a part of the base, or a judge. */
const WEIGHTS: Readonly<Record<string, { readonly base: string } | { readonly judge: string }>> = {
  'VAE encoder': { base: 'vae' },
  'VAE decoder': { base: 'vae' },
  'text encoder': { base: 'clip' },
  denoiser: { base: 'unet' },
  'denoiser under an untrained control': { base: 'unet' },
  'mini-inception': { judge: 'inception' },
  'mini-CLIP': { judge: 'clip' },
  'mini-segmenter': { judge: 'segmenter' },
  'mini-aesthetic': { judge: 'aesthetic' },
};

const short = (hash: string): string => hash.slice(0, 12);

/** Each base once, whatever is trained on it. */
const basesOf = (grounds: Results['grounds']): GroundResults[] => [
  ...new Map(Object.values(grounds).map((ground) => [ground.name, ground])).values(),
];

/** The checksum of a network's weights; null for any other, and where other bases have a part of that name too. */
function hashOf({ grounds, judges }: Pick<Results, 'grounds' | 'judges'>, name: string): string | null {
  const weights = WEIGHTS[name];
  const [base, ...others] = basesOf(grounds);
  if (weights !== undefined && 'base' in weights && others.length > 0) return null;
  const hash = weights === undefined ? undefined : 'base' in weights ? base!.base.hashes[weights.base] : judges[weights.judge];
  return hash === undefined ? null : short(hash);
}

/** An arm with a condition of its own stands under several: its trainings are named once. */
const onceEach = (all: readonly TrainingSource[]): TrainingSource[] =>
  all.filter(({ identity, seed }, i) => all.findIndex((other) => other.identity === identity && other.seed === seed) === i);

/** Where an experiment's numbers come from: training by training, and network by network on what each really ran. */
export function sourcesOf(results: Results, arms: readonly Arm[], runs: readonly NetworkRun[]): Sources {
  const { grounds, dataset, trainings, seeds, numerics } = results;
  const evaluated = [...new Set(Object.values(grounds).flatMap(({ scenes }) => scenes.map(({ hash }) => short(hash))))].join(', ');
  const bases = basesOf(grounds);
  const { processor, instructionSet, threads } = numerics;
  const armOf = new Map(arms.map((arm) => [arm.id, arm]));
  const seedOf = (id: string, seed: number): number => trainedFrom(armOf.get(id)!, seed);
  return {
    weightsHash: bases
      .flatMap(({ name, base }) =>
        Object.entries(base.hashes).map(
          ([part, hash]) => `${bases.length === 1 ? '' : `${name} `}${part} ${hash.split('+').map(short).join('+')}`,
        ),
      )
      .join(', '),
    datasetHash: `${dataset.id} ${short(dataset.hash)}, evaluated scenes ${evaluated}`,
    trainings: onceEach(
      Object.entries(trainings).flatMap(([condition, arms]) =>
        Object.entries(arms).flatMap(([arm, stored]) =>
          stored.map(({ hash, record: { networks = [], ...record } }, i) => ({
            id: `${condition}-${arm}-${seedOf(arm, seeds[i]!)}`,
            seed: seedOf(arm, seeds[i]!),
            identity: hash,
            ...record,
            processor,
            instructionSet,
            // Several stages that ran alike say it once.
            engine:
              [...new Set(networks.filter(({ stateful }) => stateful).map((run) => runText(run, numerics)))].join('; ') || NOT_RECORDED,
            threads,
          })),
        ),
      ),
    ),
    // Those that train stand with their trainings.
    networks: runs
      .filter(({ stateful }) => !stateful)
      .map((run) => ({ name: run.name, hash: hashOf(results, run.name), engine: runText(run, numerics) })),
  };
}
