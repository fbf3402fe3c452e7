import path from 'node:path';
import { DataError } from '../errors.ts';
import { kindByName } from './kinds.ts';

/** Whether a name in an archive is absolute, a drive's, or goes up. */
export const leadsOut = (name: string): boolean => /^([\\/]|[a-z]:)/i.test(name) || name.split(/[\\/]/).includes('..');

/** A name in an archive without `./` and a slash at its end. */
export const placeOf = (name: string): string => path.posix.normalize(name).replace(/\/$/, '');

/** Where a symbolic link that lies at `name` leads to; a place that `leadsOut` where that is not in the archive. */
export const linkPlace = (name: string, link: string): string =>
  path.posix.isAbsolute(link) ? link : placeOf(path.posix.join(path.posix.dirname(name), link));

/** The place that a chain of links ends at; null where it leads in a circle. */
function endOfLinks(place: string, links: ReadonlyMap<string, string>): string | null {
  const seen = new Set<string>();
  let at = place;
  for (let next = links.get(at); next !== undefined; next = links.get(at)) {
    if (seen.has(at)) return null;
    seen.add(at);
    at = next;
  }
  return at;
}

/**
 * The file in an archive at a place, or that the links at it lead to; null for a link that is no image's and leads to none.
 * @param links where they lead to, by the places at which they lie
 * @throws DataError invalid-archive naming a link of an image's that leads to no file of the archive
 */
export function followed<T>(archive: string, place: string, files: ReadonlyMap<string, T>, links: ReadonlyMap<string, string>): T | null {
  const end = endOfLinks(place, links);
  const file = end === null ? undefined : files.get(end);
  if (file !== undefined) return file;
  if (kindByName(place) !== 'image') return null;
  const problem =
    end === null
      ? 'leads in a circle'
      : leadsOut(end)
        ? `leads out of the archive, to ${end}`
        : `leads to ${end}, which is no file in the archive`;
  throw new DataError('invalid-archive', `${archive}: the link "${place}" ${problem}`, {
    file: archive,
    name: place,
    link: links.get(place),
  });
}
