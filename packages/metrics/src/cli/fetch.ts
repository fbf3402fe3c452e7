import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command, Option } from 'commander';
import { plainText } from '@controllab/data';
import { Progress } from '@controllab/report';
import { fetchWeights } from '../weights/fetch.ts';
import { WEIGHTS, WEIGHTS_FOLDER, weightsName, type PublishedFile } from '../weights/registry.ts';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** What there is to fetch, and whether it has been. */
function listWeights(folder: string): void {
  for (const [name, { file, what, license, url }] of Object.entries<PublishedFile>(WEIGHTS))
    console.log(`${name}${existsSync(path.join(folder, file)) ? ' (here)' : ''}\n  ${what}\n  ${license}, ${url}\n`);
  console.log(`Fetch with: npx controllab fetch NAME ... Files go to ${plainText(folder)}.`);
}

/** `fetch`: downloads the published weights that the metrics need. */
export function command(): Command {
  return new Command('fetch')
    .description('Downloads published weights for the metrics and checks them; without a name it lists what there is.')
    .argument('[name...]', `which weights: ${Object.keys(WEIGHTS).join(', ')}`)
    .addOption(new Option('--to <folder>', 'where to; the commands look in the default').default(WEIGHTS_FOLDER, '.cache/weights'))
    .action(async (asked: string[], { to }: { to: string }) => {
      const names = asked.map(weightsName);
      if (names.length === 0) listWeights(to);
      const progress = new Progress();
      for (const name of names) {
        const { license, url } = WEIGHTS[name];
        console.log(`${name}: ${url} (${license})`);
        const { path: file, fetched } = await fetchWeights(WEIGHTS[name], to, ({ received, total }) =>
          progress.update({
            text: `${name}: ${megabytes(received)}${total === null ? '' : ` of ${megabytes(total)}`}`,
            done: received,
            total,
          }),
        );
        progress.end(`${name}: ${fetched ? 'fetched and checked' : 'was there, its checksum fits'}: ${file}`);
      }
    });
}
