// What in a folder is a report's, and nobody's input.

/** Lists what in a report's folder is the report's: everything else there is somebody else's. */
export const REPORT_MANIFEST = 'manifest.json';
const FORMAT = 'controllab-manifest-1';

const isName = (name: string): boolean => name.split('/').every((part) => /^[\w-][\w.-]*$/.test(part));

/** A report's files by their names relative to its folder, with their SHA-256; null: not known. */
export type OwnFiles = ReadonlyMap<string, string | null>;

export const reportManifest = (files: OwnFiles): string =>
  `${JSON.stringify({ format: FORMAT, files: Object.fromEntries([...files].map(([name, hash]) => [name, hash ?? ''])) }, null, 2)}\n`;

/** The files that a manifest lists; null for what is none of this format, such as a web application's file of that name. */
export function parseReportManifest(text: string): OwnFiles | null {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return null;
  }
  const { format, files } = (manifest ?? {}) as { format?: unknown; files?: unknown };
  if (format !== FORMAT || typeof files !== 'object' || files === null) return null;
  // A name that leaves the folder was not written by a report.
  return new Map(Object.entries(files).flatMap(([name, hash]) => (isName(name) ? [[name, hash === '' ? null : String(hash)]] : [])));
}

/** Of reports from before there was a manifest: what their results.json begins with, and the names of their files. */
export const FORMER_REPORT_RESULTS = '{\n  "format": "controllab-report-1"';
export const FORMER_REPORT_FILE = /^(index\.html|results\.json|[^/]+\.csv|assets\/(plotly\.min\.js|report\.(css|js))|images\/.*\.png)$/;

/** Most bytes of a file that is looked at as a manifest. */
const MAX_MANIFEST_BYTES = 16 * 2 ** 20;

/**
 * Which files of a set are a report's.
 * @param files names in the set, with forward slashes
 * @param readText the text of one of them, of at most so many bytes; null where it is larger
 */
export async function filesOfReports(
  files: Iterable<string>,
  readText: (name: string, maxBytes: number) => Promise<string | null>,
): Promise<(name: string) => boolean> {
  const owned = new Set<string>();
  const former: string[] = [];
  for (const name of files) {
    const [, folder, file] = /^(.*\/)?([^/]+)$/.exec(name) ?? [];
    if (file !== REPORT_MANIFEST && file !== 'results.json') continue;
    const text = (await readText(name, MAX_MANIFEST_BYTES)) ?? '';
    if (file === 'results.json') {
      if (text.startsWith(FORMER_REPORT_RESULTS)) former.push(folder ?? '');
      continue;
    }
    const listed = parseReportManifest(text);
    if (listed === null) continue;
    owned.add(name);
    for (const own of listed.keys()) owned.add((folder ?? '') + own);
  }
  return (name) =>
    owned.has(name) || former.some((folder) => name.startsWith(folder) && FORMER_REPORT_FILE.test(name.slice(folder.length)));
}
