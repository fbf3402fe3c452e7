import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readSafetensors } from '@controllab/core-blocks';
import { deviation, readStoredReport, reportNumbers, type StoredReport } from '@controllab/report';

/** A committed result's value at a path: a number or a text. @throws Error where there is none */
export type Lookup = (path: string) => number | string;

/** Every point of a report's curves: `figure/series/x`. */
const curvePoints = ({ sections }: StoredReport): [string, number][] =>
  sections
    .flatMap(({ blocks }) => blocks)
    .flatMap((block) =>
      block.kind === 'line'
        ? block.series.flatMap(({ label, x, y }) => x.map((at, i): [string, number] => [`${block.id}/${label}/${at}`, y[i]!]))
        : [],
    );

/**
 * A report's numbers by their flat names (see reportNumbers), and `figure/series/x`: the value, or with `/half` half the width of its
 * interval, with `/lo` and `/hi` its ends, with `/n` the samples behind it, with `/deviation` their standard deviation over trainings.
 */
function lookupReport(file: string): Lookup {
  const stored = readStoredReport(readFileSync(file, 'utf8'));
  if (stored === null) throw new Error(`${file} is of another format`);
  const numbers = new Map([...curvePoints(stored), ...reportNumbers(stored)]);
  return (query) => {
    const found = numbers.get(query);
    if (found !== undefined) return typeof found === 'number' ? found : found.value;
    const [, name, part] = /^(.*)\/(half|lo|hi|n|deviation)$/.exec(query) ?? [];
    const measured = numbers.get(name ?? '');
    if (measured === undefined || typeof measured === 'number') throw new Error(`${file} has no ${query}`);
    if (part === 'n') return measured.n;
    if (part === 'deviation') {
      if (measured.perTraining === undefined) throw new Error(`${file}: ${name} has no numbers of trainings`);
      return deviation(measured.perTraining);
    }
    if (measured.interval === null) throw new Error(`${file}: ${name} has no interval`);
    const [lo, hi] = measured.interval;
    return part === 'lo' ? lo : part === 'hi' ? hi : (hi - lo) / 2;
  };
}

/** `PART/sha256`, `PART/parameters`, or `PART/KEY` of the quality that is stored beside a part's weights. */
function lookupWeights(folder: string): Lookup {
  return (query) => {
    const [part, ...rest] = query.split('/');
    const key = rest.join('/');
    const { metadata } = readSafetensors(path.join(folder, `${part}.safetensors`));
    if (key === 'sha256') return metadata['sha256']!;
    if (key === 'parameters') return Number(metadata['parameters']);
    const value = (JSON.parse(metadata['quality'] ?? '{}') as Record<string, number>)[key];
    if (value === undefined) throw new Error(`${part} stores no '${key}'`);
    return value;
  };
}

export const lookup = (file: string): Lookup => (file.endsWith('.json') ? lookupReport(file) : lookupWeights(file));
