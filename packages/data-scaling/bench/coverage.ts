/**
 * How often 95% intervals hold the truth, over made-up laws:
 * `node --conditions=controllab --import tsx bench/coverage.ts LAWS [bootstrap | few]`; few: of one variable, from six and ten runs.
 * One JSON document on stdout.
 */
import { coverage, coverageOfFew } from '../src/testing/coverage.ts';

const [laws = '1000', method = 'profile'] = process.argv.slice(2);
const started = process.cpuUsage();
const of = { laws: Number(laws), method: method === 'bootstrap' ? 'bootstrap' : 'profile' } as const;
const shares = (delta: number): Record<string, number> => (method === 'few' ? coverageOfFew({ ...of, delta }) : coverage({ ...of, delta }));
const result = { huber: shares(1e-3), squares: shares(Infinity) };
const { user, system } = process.cpuUsage(started);
process.stdout.write(`${JSON.stringify({ ...of, ...result, cpuSeconds: (user + system) / 1e6 }, null, 2)}\n`);
