import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseFlags } from '@controllab/command-line';
import { Lock } from '@controllab/data';
import { readFixture } from '@controllab/fixtures/fixture';
import { writeIndex } from '@controllab/report';
import { TrainingLog } from '@controllab/training';
import { Store } from '../../runner/store.ts';
import { applyConfigFile, configText } from '../../train/config-file.ts';
import { trainFlags } from '../../train/flags.ts';
import type { Target } from '../target.ts';
import { refusal, sha, written } from './tensor-files.ts';

const IDENTITY = { method: 'controlnet', seed: 1 };
const VALUE = { losses: [0.5, 0.25], picture: 'ü' };

/** A file of a cell of the store: what is damaged is computed again, and that is said. */
function cellFile(file: 'identity.json' | 'value.json' | 'weights'): Target {
  const open = (root: string): { store: Store; said: string[] } => {
    const said: string[] = [];
    return { store: new Store(root, { commit: null, say: (message) => void said.push(message) }), said };
  };
  const fill = (root: string): Promise<{ directory: string }> =>
    open(root).store.cell('training', IDENTITY, async (directory) => {
      writeFileSync(path.join(directory, 'weights'), 'the weights');
      return { value: VALUE, files: ['weights'] };
    });
  return {
    name: `store-${file.replace('.json', '')}`,
    samples: async () => {
      const root = mkdtempSync(path.join(os.tmpdir(), 'fuzz-store-'));
      try {
        return [readFileSync(path.join((await fill(root)).directory, file))];
      } finally {
        rmSync(root, { recursive: true });
      }
    },
    place: async (folder) => path.join((await fill(folder)).directory, file),
    text: file !== 'weights',
    read: async (at) => {
      const { store, said } = open(path.resolve(path.dirname(at), '..', '..'));
      const again = (): Promise<never> => Promise.reject(refusal(said.join()));
      const whole = file === 'identity.json' ? null : readFileSync(path.join(path.dirname(at), 'identity.json'));
      const damaged = readFileSync(at);
      const others = ['value.json', 'weights']
        .filter((name) => name !== file)
        .map((name) => [name, readFileSync(path.join(path.dirname(at), name))] as const);
      try {
        const { value } = await store.cell('training', IDENTITY, again);
        return { structure: '', payload: JSON.stringify(value) };
      } finally {
        // A value that is computed again is removed first: the next case begins with all but its own file whole.
        for (const [name, bytes] of others) writeFileSync(path.join(path.dirname(at), name), bytes);
        if (whole !== null) writeFileSync(path.join(path.dirname(at), 'identity.json'), whole);
        writeFileSync(at, damaged);
      }
    },
  };
}

const lines = [1, 2, 3, 4].map((step) => ({ step, loss: 1 / step, lr: 0.1, samples_per_second: 3, wait_share: 0, time: '' }));
const logOf = (file: string): string => {
  const log = new TrainingLog(file);
  log.continueFrom('');
  log.append([{ step: 0, evaluation: { fidelity: 0.5, picture: 'abc' }, time: '' }, ...lines]);
  const { mark } = log;
  log.close();
  return mark;
};

const trainingLog: Target = {
  name: 'training-log',
  samples: async () => [written('log.jsonl', logOf)],
  place: async (folder) => path.join(folder, 'log.jsonl'),
  text: true,
  read: async (file) => {
    let mark = '';
    written('log.jsonl', (whole) => (mark = logOf(whole)));
    const log = new TrainingLog(file);
    if (!log.holds(mark)) throw refusal('lines are damaged or lost');
    const kept = log.continueFrom(mark);
    log.close();
    return { structure: '', payload: JSON.stringify(kept) };
  },
};

const results = {
  format: 'controllab-report-2',
  id: 'ablation',
  title: 'A title',
  takeaway: 'It works.',
  summary: 'It works. More.',
  claims: [
    {
      claim: 'c',
      results: [{ label: 'Canny', verdict: 'reproduced', text: 'reproduced', measured: { value: 0.5, interval: [0.4, 0.6] } }],
    },
  ],
  sections: [{ blocks: [{ kind: 'table', id: 't', caption: 'T', columns: [{ label: 'a' }], rows: [{ label: 'r', cells: [1] }] }] }],
  provenance: { profile: 'quick', commit: null, finishedAt: '2026-01-01T00:00:00Z' },
};

/** A report's results, as the index over all of them reads them: what is damaged is left out. */
const reportResults: Target = {
  name: 'results-json',
  samples: async () => [Buffer.from(JSON.stringify(results, null, 2))],
  place: async (folder) => {
    mkdirSync(path.join(folder, 'ablation', 'quick-seed-1'), { recursive: true });
    return path.join(folder, 'ablation', 'quick-seed-1', 'results.json');
  },
  text: true,
  read: async (file) => {
    const root = path.resolve(path.dirname(file), '..', '..');
    await writeIndex(root);
    const page = readFileSync(path.join(root, 'index.html'), 'utf8');
    if (/<script>|\son\w+=/.test(page.replace(/<script type="application\/json"[^]*?<\/script>/g, '')))
      throw new Error('a text became markup');
    if (!page.includes('ablation/quick-seed-1')) throw refusal('left out');
    return { structure: '', payload: sha(page) };
  },
};

/** A lock that somebody else seems to hold. */
const lock: Target = {
  name: 'lock',
  samples: async () => [
    Buffer.from(JSON.stringify({ host: os.hostname(), space: 'pid:[1]', pid: 123, started: 'x/1' })),
    Buffer.from(JSON.stringify({ host: 'far', space: 'pid:[1]', pid: 1, started: 'x/2' })),
  ],
  place: async (folder) => path.join(folder, 'lock-00000000-0000-4000-8000-00000000000f'),
  text: true,
  read: async (file) => {
    const taken = await Lock.acquire(path.dirname(file));
    if (taken instanceof Lock) taken.release();
    // Half a file, as a power cut leaves it, is nobody's.
    if (taken instanceof Lock) throw refusal('taken over');
    return { structure: '', payload: 'held' };
  },
};

const fixture: Target = {
  name: 'fixture-json',
  samples: async () => [
    Buffer.from(
      JSON.stringify({
        format: 'ctrl-fixture/1',
        name: 'x',
        kind: 'op',
        file: null,
        modules: [{ prefix: '', class: 'A', config: {}, param_count: 1 }],
        cases: [{ id: 'a', op: 'o', inputs: { x: { value: 1 } }, outputs: { y: { tensor: 't', atol: 0.1, rtol: 0.2 } } }],
      }),
    ),
  ],
  place: async (folder) => path.join(folder, 'x.json'),
  text: true,
  read: async (file) => ({ structure: '', payload: JSON.stringify(readFixture(path.dirname(file), 'x').json) }),
};

/** Flags of a training in a file, as a user writes it. */
const trainConfig: Target = {
  name: 'train-config',
  samples: async () => [
    Buffer.from(
      JSON.stringify(
        {
          base: 'mini',
          data: 'set',
          out: 'runs/x',
          maxTrainSteps: 100,
          learningRate: 1e-4,
          lrScheduler: 'cosine',
          validationPrompt: ['a cat', 'a dog'],
        },
        null,
        2,
      ),
    ),
  ],
  place: async (folder) => path.join(folder, 'train.json'),
  text: true,
  hostile: () => [
    Buffer.from('['.repeat(5_000_000)),
    Buffer.from('{"__proto__":{"base":"mini"}}'),
    Buffer.from('{"toString":1}'),
    Buffer.from('{"learningRate":"fast"}'),
    Buffer.from('{"learningRate":1e999}'),
  ],
  read: async (file) => {
    const command = trainFlags();
    parseFlags(command, []);
    applyConfigFile(command, file, 'train.json');
    return { structure: '', payload: configText(command) };
  },
};

export const records: readonly Target[] = [
  cellFile('identity.json'),
  cellFile('value.json'),
  cellFile('weights'),
  trainingLog,
  reportResults,
  lock,
  fixture,
  trainConfig,
];
