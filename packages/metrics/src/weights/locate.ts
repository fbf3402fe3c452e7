import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { MetricsError } from '../errors.ts';
import { WEIGHTS, WEIGHTS_FOLDER, weightsName, type WeightsName } from './registry.ts';

/** Where a user's weights lie. */
export interface WeightsPlaces {
  /** Files by what they are for. */
  files: ReadonlyMap<WeightsName, string>;
  /** Folders that hold files under their published names, looked through in this order. */
  folders: readonly string[];
}

/**
 * The places that `--weights` options name: `NAME=FILE`, or a folder. Behind them comes the folder that `fetch` fills.
 * @throws MetricsError unknown-weights, listing the known names; duplicate-name; file-read for a path that is not there
 */
export function weightsPlaces(options: readonly string[]): WeightsPlaces {
  const files = new Map<WeightsName, string>();
  const folders: string[] = [];
  for (const option of options) {
    const [, name, file] = /^([a-z0-9-]+)=(.+)$/.exec(option) ?? [];
    const place = file ?? option;
    if (!existsSync(place)) throw new MetricsError('file-read', `--weights ${option}: there is no ${place}`, { option });
    if (name !== undefined) {
      const known = weightsName(name);
      if (files.has(known))
        throw new MetricsError('duplicate-name', `--weights ${option}: ${name} is ${files.get(known)} already`, { option, name });
      files.set(known, place);
    } else if (statSync(place).isDirectory()) folders.push(place);
    else
      throw new MetricsError(
        'file-read',
        `--weights ${option} is a file; say what for: --weights NAME=${option} with one of ${Object.keys(WEIGHTS).join(', ')}`,
        { option },
      );
  }
  return { files, folders: [...folders, WEIGHTS_FOLDER] };
}

/**
 * The file of some weights.
 * @param purpose what they are needed for, as the beginning of the message
 * @throws MetricsError weights-missing that says how to get them
 */
export function locateWeights({ files, folders }: WeightsPlaces, name: WeightsName, purpose: string): string {
  const { file, url, sha256 } = WEIGHTS[name];
  const found = files.get(name) ?? folders.map((folder) => path.join(folder, file)).find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  throw new MetricsError(
    'weights-missing',
    [
      `${purpose} needs the weights "${name}", and ${file} is not in ${folders.join(' or ')}. Either`,
      `  fetch them:          npx nx run metrics:fetch ${name}`,
      `  or point at a file:  --weights ${name}=FILE, or --weights FOLDER with ${file} in it`,
      `Published at ${url} (sha256 ${sha256}).`,
    ].join('\n'),
    { name, file, folders },
  );
}
