// npm run seal -- REPORT TABLE NAME
// Takes a table of predictions out of a report and puts it beside the experiments, before what it foretells is computed:
// experiments/src/declarations/sealed/NAME.json, its hash in SHA256SUMS there. A sealed file is never written twice, and read only as it was.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { committedResults } from '@controllab/report';

const [report, block, name] = process.argv.slice(2);
if (name === undefined || !/^[a-z0-9-]+$/.test(name)) {
  console.error('usage: npm run seal -- REPORT TABLE NAME (a-z, 0-9 and "-")');
  process.exit(2);
}
const folder = path.join(import.meta.dirname, '../experiments/src/declarations/sealed');
const out = path.join(folder, `${name}.json`);

try {
  const { id, sections, provenance } = await committedResults(report);
  const tables = sections.flatMap(({ blocks }) => blocks.filter(({ kind }) => kind === 'table'));
  const found = tables.find((one) => one.id === block);
  if (found === undefined)
    throw new Error(`${report} has no table '${block}'; there are ${tables.map((one) => one.id).join(', ') || 'none'}`);
  if (existsSync(out)) throw new Error(`${out} is sealed already`);
  const { command, commit, finishedAt } = provenance;
  const { rowHeader, columns, rows } = found;
  const text = `${JSON.stringify({ report: id, command, commit, finishedAt, sealedAt: new Date().toISOString(), table: { rowHeader, columns, rows } }, null, 1)}\n`;
  mkdirSync(folder, { recursive: true });
  // The hash first: killed in between, it seals nothing, and the same command goes on.
  appendFileSync(path.join(folder, 'SHA256SUMS'), `${createHash('sha256').update(text).digest('hex')}  ${name}.json\n`);
  writeFileSync(out, text, { flag: 'wx' });
  console.log(`sealed ${rows.length} predictions in ${path.relative(process.cwd(), out)}: commit it before the run`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
