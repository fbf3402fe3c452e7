import type { Provenance } from '@controllab/report';

/** Of reports that tests write: nothing is known of where their numbers come from. */
export const NO_PROVENANCE: Provenance = {
  commit: null,
  profile: 'none',
  configHash: null,
  weightsHash: null,
  datasetHash: null,
  engine: 'none',
  machine: 'none',
  wallSeconds: null,
  finishedAt: null,
  command: 'test',
};
