// npm run publish-report -- reports/ablation/standard-seed-1 [NAME]
// Copies a finished report to reports/published/NAME (the experiment's id without one), to be committed. What stands there is replaced by
// a run of the same profile, seeds and options alone; others want a name: ablation-seed-7 for the second block of the ablation's seeds.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { committedResults, publishReport, writeIndex } from '@controllab/report';

const [report, given] = process.argv.slice(2);
if (report === undefined) {
  console.error('usage: npm run publish-report -- REPORT [NAME]');
  process.exit(2);
}
const published = path.join(import.meta.dirname, '..', 'reports', 'published');

/** What was asked for: of the command that makes a report again, all but what a machine computes it with. */
const askedFor = ({ provenance }) =>
  provenance.command
    .split(/ (?='?--)/)
    .slice(1)
    .filter((flag) => !/^'?--(engine|provider|threads)=/.test(flag));

/** The experiment's id, where no report of something else has that name. */
function ownName(results) {
  const { id } = results;
  const file = path.join(published, id, 'results.json');
  if (!existsSync(file)) return id;
  const there = JSON.parse(readFileSync(file, 'utf8'));
  const [before, now] = [askedFor(there), askedFor(results)];
  const others = now.filter((flag) => !before.includes(flag));
  if (others.length === 0 && now.length === before.length) return id;
  const words = (others.length > 0 ? others.join('-') : path.basename(path.resolve(report))).toLowerCase().match(/[a-z0-9]+/g);
  throw new Error(
    `reports/published/${id} is of other seeds, another profile or other options (${before.join(' ')}) than ${report} (${now.join(' ')}). ` +
      `Name the new one, npm run publish-report -- ${report} ${[id, ...words].join('-')}; or ${id}, to put it in the other's place.`,
  );
}

try {
  const name = given ?? ownName(await committedResults(report));
  await publishReport(report, published, name);
  await writeIndex(published);
  console.log(`reports/published/${name}: commit it, and let \`npm run verify\` look at it`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
