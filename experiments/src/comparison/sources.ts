import type { NetworkRun } from '@controllab/tfjs-onnx';
import type { Sources } from '../runner/job.ts';
import { NOT_RECORDED, runText } from '../runner/numerics.ts';
import type { Results } from './results.ts';

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

/** The checksum of a network's weights; null for any other, and where drawings of other bases have a part of that name too. */
function hashOf({ base, judges, drawings }: Pick<Results, 'base' | 'judges' | 'drawings'>, name: string): string | null {
  const weights = WEIGHTS[name];
  if (weights !== undefined && 'base' in weights && drawings.some((drawing) => drawing.base !== undefined)) return null;
  const hash = weights === undefined ? undefined : 'base' in weights ? base.hashes[weights.base] : judges[weights.judge];
  return hash === undefined ? null : short(hash);
}

/** Where an experiment's numbers come from: training by training, and network by network on what each really ran. */
export function sourcesOf(results: Results, runs: readonly NetworkRun[]): Sources {
  const { base, dataset, trainings, scenes, seeds, numerics } = results;
  const evaluated = [...new Set(scenes.map(({ hash }) => short(hash)))].join(', ');
  const { processor, instructionSet, threads } = numerics;
  return {
    weightsHash: Object.entries(base.hashes)
      .map(([part, hash]) => `${part} ${short(hash)}`)
      .join(', '),
    datasetHash: `${dataset.id} ${short(dataset.hash)}, evaluated scenes ${evaluated}`,
    trainings: Object.entries(trainings).flatMap(([condition, arms]) =>
      Object.entries(arms).flatMap(([arm, stored]) =>
        stored.map(({ hash, record: { networks = [], ...record }, cached }, i) => ({
          id: `${condition}-${arm}-${seeds[i]}`,
          seed: seeds[i]!,
          identity: hash,
          ...record,
          processor,
          instructionSet,
          engine:
            networks
              .filter(({ stateful }) => stateful)
              .map((run) => runText(run, numerics))
              .join('; ') || NOT_RECORDED,
          threads,
          cached,
        })),
      ),
    ),
    // Those that train stand with their trainings.
    networks: runs
      .filter(({ stateful }) => !stateful)
      .map((run) => ({ name: run.name, hash: hashOf(results, run.name), engine: runText(run, numerics) })),
  };
}
