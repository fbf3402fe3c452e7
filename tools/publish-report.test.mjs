import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeReport } from '@controllab/report';

const repository = path.join(import.meta.dirname, '..');
let root;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'publish-'));
  // A copy of the tool publishes beside the copy, not in this repository.
  mkdirSync(path.join(root, 'tools'));
  cpSync(path.join(import.meta.dirname, 'publish-report.mjs'), path.join(root, 'tools/publish-report.mjs'));
  symlinkSync(path.join(repository, 'node_modules'), path.join(root, 'node_modules'));
});
afterEach(() => rmSync(root, { recursive: true }));

const publish = (...args) => {
  const node = ['--conditions=controllab', '--import', 'tsx', path.join(root, 'tools/publish-report.mjs'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
};
/** A finished report of a run with these flags. */
async function report(folder, flags, title = 'Ablation') {
  const provenance = {
    ...{ commit: '0123456789ab', profile: 'standard', configHash: '0', weightsHash: null, datasetHash: null, engine: 'none' },
    ...{ machine: 'none', wallSeconds: null, finishedAt: '2026-11-26T00:00:00.000Z' },
    command: `npx nx run experiments:ablation ${flags}`,
  };
  const sections = [{ id: 'all', title: 'All', blocks: [{ kind: 'note', text: 'none' }] }];
  await writeReport(path.join(root, folder), {
    ...{ id: 'ablation', title, takeaway: 'None.', summary: '', claims: [], sections, provenance, attribution: [] },
  });
  return folder;
}
const published = () => path.join(root, 'reports/published');
const titleOf = (name) => JSON.parse(readFileSync(path.join(published(), name, 'results.json'), 'utf8')).title;

it('puts a report in the place of one of the same run, whatever computed it', async () => {
  expect(publish(await report('first', '--profile=standard --seed=1'))).toMatchObject({ status: 0, stderr: '' });
  const again = await report('again', '--profile=standard --seed=1 --threads=2', 'Ablation, computed again');
  expect(publish(again)).toMatchObject({ status: 0, stdout: expect.stringContaining('reports/published/ablation: commit it') });
  expect(titleOf('ablation')).toBe('Ablation, computed again');
});

const OTHERS = [
  ['--profile=standard --seed=7', 'ablation-seed-7'],
  ['--profile=paper --seed=1', 'ablation-profile-paper'],
  ["--profile=standard --seed=1 '--base=a b'", 'ablation-base-a-b'],
  ['--profile=standard', 'ablation-other'],
];

it('takes no other run’s place without a name, and says which to give', async () => {
  publish(await report('first', '--profile=standard --seed=1', 'First'));
  for (const [flags, name] of OTHERS) {
    const refused = publish(await report('other', flags));
    expect(refused, flags).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toBe(
      `reports/published/ablation is of other seeds, another profile or other options (--profile=standard --seed=1) than other (${flags}). ` +
        `Name the new one, npm run publish-report -- other ${name}; or ablation, to put it in the other's place.\n`,
    );
  }
  expect(titleOf('ablation')).toBe('First');
});

it('publishes it under the name that is given, that of the other too', async () => {
  publish(await report('first', '--profile=standard --seed=1', 'First'));
  const other = await report('other', '--profile=standard --seed=7', 'Other');
  expect(publish(other, 'ablation-seed-7')).toMatchObject({ status: 0 });
  expect([titleOf('ablation'), titleOf('ablation-seed-7')]).toEqual(['First', 'Other']);
  expect(publish(other, 'ablation')).toMatchObject({ status: 0 });
  expect(titleOf('ablation')).toBe('Other');
});
