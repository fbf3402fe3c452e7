// node tools/seal.mjs REPORT/results.json TABLE NAME
// Takes a table of predictions out of a report and puts it beside the experiments, before what it foretells is computed:
// experiments/src/declarations/sealed/NAME.json, its hash in SHA256SUMS there. A sealed file is never written twice, and read only as it was.
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const [file, block, name] = process.argv.slice(2);
if (name === undefined || !/^[a-z0-9-]+$/.test(name)) {
  console.error('usage: node tools/seal.mjs REPORT/results.json TABLE NAME (a-z, 0-9 and "-")');
  process.exit(2);
}
const { id, sections, provenance } = JSON.parse(readFileSync(file, 'utf8'));
const blocks = sections.flatMap((section) => section.blocks);
const found = blocks.find((one) => one.kind === 'table' && one.id === block);
if (found === undefined) {
  const tables = blocks.filter(({ kind }) => kind === 'table').map((one) => one.id);
  console.error(`${file} has no table '${block}'; there are ${tables.join(', ') || 'none'}`);
  process.exit(1);
}
if (provenance.commit === null || provenance.commit.includes('+')) {
  console.error(`${file} is of uncommitted code (${provenance.commit}): what it foretells cannot be held against any`);
  process.exit(1);
}
const { command, commit, finishedAt } = provenance;
const folder = path.join(import.meta.dirname, '../experiments/src/declarations/sealed');
mkdirSync(folder, { recursive: true });
const sealed = { report: id, command, commit, finishedAt, table: { columns: found.columns, rows: found.rows } };
const out = path.join(folder, `${name}.json`);
try {
  const text = `${JSON.stringify(sealed, null, 1)}\n`;
  writeFileSync(out, text, { flag: 'wx' });
  appendFileSync(path.join(folder, 'SHA256SUMS'), `${createHash('sha256').update(text).digest('hex')}  ${name}.json\n`);
} catch (error) {
  console.error(error.code === 'EEXIST' ? `${out} is sealed already` : String(error));
  process.exit(1);
}
console.log(`sealed ${found.rows.length} predictions in ${path.relative(process.cwd(), out)}: commit it before the run`);
