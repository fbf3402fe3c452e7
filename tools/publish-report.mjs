// npm run publish-report -- reports/ablation/standard-seed-1 [NAME]
// Copies a finished report to reports/published/NAME (the experiment's id without one), to be committed.
import path from 'node:path';
import { committedResults, publishReport, writeIndex } from '@controllab/report';

const [report, given] = process.argv.slice(2);
if (report === undefined) {
  console.error('usage: npm run publish-report -- REPORT [NAME]');
  process.exit(2);
}
const published = path.join(import.meta.dirname, '..', 'reports', 'published');
try {
  const name = given ?? (await committedResults(report)).id;
  await publishReport(report, published, name);
  await writeIndex(published);
  console.log(`reports/published/${name}: commit it, and let \`npm run verify\` look at it`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
