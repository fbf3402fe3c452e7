import path from 'node:path';
import type { Profile } from '../comparison/experiment.ts';
import type { JobContext } from '../runner/job.ts';
import { numericsOf } from '../runner/numerics.ts';
import { Store } from '../runner/store.ts';

const engine = { engine: 'onnx', provider: 'cpu', threads: 1 } as const;

/** What the runner would hand a comparison's job, with a store in a folder of the test's own. */
export function jobContext(profileName: string, profile: Profile, root: string): JobContext<Profile> {
  const say = (): void => {};
  return {
    profile,
    profileName,
    seed: 1,
    flags: {},
    engine,
    numerics: numericsOf(engine, null),
    store: new Store(path.join(root, 'store'), { commit: null, say }),
    say,
    stage: (_name, compute) => compute(),
  };
}
