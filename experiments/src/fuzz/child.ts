// Reads damaged files in a process of its own, which may hang or run out of memory: child.ts PARSER SEED FIRST
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Cases } from './case.ts';
import { targetNamed } from './targets.ts';

const [name, seed, first] = process.argv.slice(2);
const folder = mkdtempSync(path.join(os.tmpdir(), 'fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('disconnect', () => process.exit());
// Warnings of parsers about what they read are not what is asked.
for (const stream of [process.stdout, process.stderr]) stream.write = () => true;
const cases = await Cases.open(targetNamed(name!), Number(seed), folder);
process.send!({ ready: true });
process.on('unhandledRejection', (error) => {
  process.send!({
    index: -1,
    outcome: 'wrong class',
    detail: `nobody waited for it: ${String((error as Error)?.stack ?? error).slice(0, 500)}`,
  });
});
for (let index = Number(first); ; index++) {
  process.send!({ started: index });
  process.send!(await cases.run(index));
  // Messages and signals get through.
  await new Promise((resolve) => setImmediate(resolve));
}
