import { permutation } from '@controllab/data';

/**
 * Which samples each step takes: every epoch is a new permutation of the data set, batches run across epoch borders.
 * A pure function of (seed, step), so a resumed run continues in the middle of an epoch.
 */
export function shuffledIndices({
  seed,
  datasetSize,
  batchSize,
}: {
  seed: number;
  datasetSize: number;
  batchSize: number;
}): (step: number) => number[] {
  let epoch = -1;
  let order = new Uint32Array();
  return (step) =>
    Array.from({ length: batchSize }, (_, i) => {
      const position = step * batchSize + i;
      const wanted = Math.floor(position / datasetSize);
      if (wanted !== epoch) {
        epoch = wanted;
        order = permutation(seed, 'epoch', epoch, datasetSize) as Uint32Array<ArrayBuffer>;
      }
      return order[position % datasetSize]!;
    });
}
