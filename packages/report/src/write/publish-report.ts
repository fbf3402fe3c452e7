import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseReportManifest, REPORT_MANIFEST, sha256, writeAtomic } from '@controllab/data';
import { ReportError } from '../model/report-error.ts';
import { isCommitted } from './provenance.ts';
import { ownFiles, replaceFiles } from './manifest.ts';

/** The folder that published reports share: Plotly alone is megabytes. */
const ASSETS = 'assets/';

const RESULTS = 'results.json';

const notAsWritten = (report: string, file: string): ReportError =>
  new ReportError('bad-report', `${path.join(report, file)} is not what the report wrote`, { report, file });

const fileOf = (folder: string, name: string): Promise<Buffer> =>
  readFile(path.join(folder, name)).catch(() => {
    throw new ReportError('bad-report', `${folder} has no ${name}: expected the folder of a finished report`, { folder, name });
  });

/**
 * What the `results.json` of a finished report holds, for whoever publishes or seals it.
 * @throws ReportError `bad-report` for a folder without one, whose results are not what the report wrote, or whose report was made by code
 * that is not committed
 */
export async function committedResults<T extends { provenance: { commit: string | null } }>(report: string): Promise<T> {
  const text = (await fileOf(report, RESULTS)).toString('utf8');
  const listed = parseReportManifest((await fileOf(report, REPORT_MANIFEST)).toString('utf8'));
  if (listed?.get(RESULTS) !== sha256(text)) throw notAsWritten(report, RESULTS);
  let results: T;
  try {
    results = JSON.parse(text) as T;
  } catch (error) {
    throw new ReportError('bad-report', `${path.join(report, 'results.json')} is no JSON: ${(error as Error).message}`, { report });
  }
  const { commit } = results.provenance;
  if (!isCommitted(commit))
    throw new ReportError(
      'bad-report',
      `${report} was written by code that is not committed (${commit ?? 'no repository'}): nobody could compute it again`,
      { report, commit },
    );
  return results;
}

/**
 * Copies a finished report to `published`/NAME, to be committed: every file that its manifest lists, with style, script and Plotly in
 * `published`/assets, once for all reports.
 * @throws ReportError `bad-report` for a folder that is no whole report, or one that was made by code that is not committed;
 * `foreign-files` where the target holds anything else than an earlier report
 */
export async function publishReport(report: string, published: string, name: string): Promise<void> {
  await committedResults(report);
  const listed = parseReportManifest((await fileOf(report, REPORT_MANIFEST)).toString('utf8'));
  if (listed === null) throw new ReportError('bad-report', `${report}: ${REPORT_MANIFEST} is none of ours`, { report });
  const target = path.join(published, name);
  const files = new Map<string, Buffer>();
  const shared = new Map<string, Buffer>();
  for (const [file, hash] of listed) {
    const data = await fileOf(report, file);
    if (hash !== null && sha256(data) !== hash) throw notAsWritten(report, file);
    if (file.startsWith(ASSETS)) shared.set(file, data);
    else files.set(file, file.endsWith('.html') ? Buffer.from(data.toString('utf8').replaceAll(`"${ASSETS}`, `"../${ASSETS}`)) : data);
  }
  // Refused before the shared files are written, which its page needs as soon as it is there.
  await ownFiles(target, { overwrite: false, wanted: files.keys() });
  await mkdir(path.join(published, ASSETS), { recursive: true });
  for (const [file, data] of shared) await writeAtomic(path.join(published, file), data);
  await replaceFiles(target, files, { overwrite: false });
}
