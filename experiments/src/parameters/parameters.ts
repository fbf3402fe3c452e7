import path from 'node:path';
import { ARCHITECTURES } from '@controllab/base-model';
import { currentCommit, machine, writeReport } from '@controllab/report';
import { textTable } from '../runner/text-table.ts';
import { components } from './components.ts';
import { measureComponent, measureFamily } from './measure.ts';
import { parametersReport, parametersTables } from './report.ts';

/**
 * Counts every model and method, prints the tables, writes the report.
 * @returns the report's folder
 */
export async function runParameters(say: (message: string) => void): Promise<string> {
  const started = performance.now();
  const result = { families: ARCHITECTURES.map(measureFamily), components: components().map(measureComponent) };
  for (const table of parametersTables(result)) say(`${textTable(table)}\n`);
  const directory = path.join('reports', 'parameters');
  await writeReport(
    directory,
    parametersReport(result, {
      commit: currentCommit(),
      profile: 'full size',
      configHash: 'none: there are no settings',
      weightsHash: 'none: no weight is allocated',
      datasetHash: 'none',
      engine: 'traced graphs; nothing is allocated or run',
      machine: machine(),
      wallSeconds: Number(((performance.now() - started) / 1000).toFixed(1)),
      finishedAt: new Date().toISOString(),
      command: 'npx nx run experiments:parameters',
    }),
  );
  return directory;
}
