/** Downloads the published weights that the metrics need: see USAGE. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MetricsError } from '../errors.ts';
import { fetchWeights } from '../weights/fetch.ts';
import { WEIGHTS, WEIGHTS_FOLDER, weightsName, type PublishedFile } from '../weights/registry.ts';
import { ProgressLine } from './progress.ts';

const USAGE = `usage: npx nx run metrics:fetch NAME ... [--to FOLDER]
  NAME   what to download; without one, this lists what there is
  --to   where to (default: ${WEIGHTS_FOLDER}, where the commands look)`;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

async function main(): Promise<void> {
  const {
    values: { to },
    positionals,
  } = parseArgs({ allowPositionals: true, options: { to: { type: 'string', default: WEIGHTS_FOLDER } } });
  const names = positionals.map(weightsName);
  if (names.length === 0) {
    console.log(USAGE);
    for (const [name, { file, what, license, url }] of Object.entries<PublishedFile>(WEIGHTS)) {
      console.log(`\n${name}${existsSync(path.join(to, file)) ? ' (here)' : ''}\n  ${what}\n  ${license}, ${url}`);
    }
  }
  const line = new ProgressLine();
  for (const name of names) {
    const { license, url } = WEIGHTS[name];
    console.log(`${name}: ${url} (${license})`);
    const { path: file, fetched } = await fetchWeights(WEIGHTS[name], to, ({ received, total }) =>
      line.update(name, received, total, megabytes),
    );
    line.end(`${name}: ${fetched ? 'fetched and checked' : 'was there, its checksum fits'}: ${file}`);
  }
}

try {
  await main();
} catch (error) {
  const known = error instanceof MetricsError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  if (!known) throw error;
  console.error(`${(error as Error).message}${error instanceof MetricsError ? '' : `\n${USAGE}`}`);
  process.exitCode = 1;
}
