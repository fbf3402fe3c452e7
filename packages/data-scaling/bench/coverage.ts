/**
 * How often 95% intervals hold the truth, over made-up laws:
 * `node --conditions=controllab --import tsx bench/coverage.ts LAWS [bootstrap]`.
 * One JSON document on stdout.
 */
import { coverage } from '../src/testing/coverage.ts';

const [laws = '1000', method = 'profile'] = process.argv.slice(2);
const started = process.cpuUsage();
const of = { laws: Number(laws), method: method === 'bootstrap' ? 'bootstrap' : 'profile' } as const;
const result = { huber: coverage({ ...of, delta: 1e-3 }), squares: coverage({ ...of, delta: Infinity }) };
const { user, system } = process.cpuUsage(started);
process.stdout.write(`${JSON.stringify({ ...of, ...result, cpuSeconds: (user + system) / 1e6 }, null, 2)}\n`);
