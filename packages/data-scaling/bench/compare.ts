/**
 * Fits Chinchilla's law to a table of runs, beside other libraries:
 * `CONTROLLAB_PYTHON=... node --conditions=controllab --import tsx bench/compare.ts FILE.csv [runs of the highest losses to leave out]`.
 * One JSON document on stdout.
 */
import { findPython, PythonPeer } from '@controllab/python-peer';
import { readRuns } from '../src/cli/read-runs.ts';
import { bootstrap } from '../src/intervals/bootstrap.ts';
import { chinchillaLaw, fitLaw } from '../src/fit/laws.ts';

const [file, drop = '0'] = process.argv.slice(2);
if (file === undefined) throw new Error('name a CSV file of runs');
const { runs } = await readRuns(file, { dropHighest: Number(drop) });

const cpuSeconds = (work: () => void): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};
let fit = fitLaw(chinchillaLaw, runs);
const first = cpuSeconds(() => (fit = fitLaw(chinchillaLaw, runs)));
const thousand = cpuSeconds(() => bootstrap(fit, runs, { resamples: 1000 }));
const ours = { objective: fit.objective, parameters: fit.parameters, cpuSeconds: first, bootstraps1000CpuSeconds: thousand };

const { python, reason } = findPython(['numpy']);
const peers: Record<string, unknown> = {};
if (python === null) peers['none'] = reason;
else {
  const peer = new PythonPeer(python, new URL('peer_fits.py', import.meta.url), { OMP_NUM_THREADS: '1' });
  for (const library of ['chinchilla', 'vpnls'])
    peers[library] = await peer.ask({ library, runs: { N: [...runs.N!], D: [...runs.D!], loss: [...runs.loss] } });
  peer.close();
}
process.stdout.write(`${JSON.stringify({ runs: runs.loss.length, ours, peers }, null, 2)}\n`);
