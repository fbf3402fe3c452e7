import type { Attribution, Provenance } from '../model/report.ts';
import { escapeHtml } from '../text/escape.ts';
import { scrollBox } from './scroll.ts';

const NOT_RECORDED = '<span class="missing">not recorded</span>';
const code = (value: string | null): string => (value === null ? NOT_RECORDED : `<code>${escapeHtml(value)}</code>`);
const text = (value: string | null): string => (value === null ? NOT_RECORDED : escapeHtml(value));

const wallTime = (seconds: number): string => {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** A table that opens on demand; nothing without rows. Cells are HTML, the first of a row its header. */
const provenanceTable = (caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string =>
  rows.length === 0
    ? ''
    : `<details class="provenance-table"><summary>${caption}</summary>
${scrollBox(
  `aria-label="${caption}"`,
  `<table>
<thead><tr>${head.map((label) => `<th scope="col">${label}</th>`).join('')}</tr></thead>
<tbody>${rows.map(([first, ...cells]) => `<tr><th scope="row">${first}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n')}</tbody>
</table>`,
)}</details>`;

const renderTrainings = ({ trainings = [] }: Provenance): string =>
  provenanceTable(
    `Training by training (${trainings.length})`,
    ['training', 'seed', 'identity', 'commit', 'processor', 'instructions', 'engine', 'threads', 'time', 'finished', 'from the store'],
    trainings.map((training) => [
      escapeHtml(training.id),
      String(training.seed),
      code(training.identity),
      code(training.commit),
      escapeHtml(training.processor),
      escapeHtml(training.instructionSet),
      escapeHtml(training.engine),
      String(training.threads),
      training.seconds === null ? 'in pieces' : wallTime(training.seconds),
      escapeHtml(training.finishedAt.slice(0, 16).replace('T', ' ')),
      training.cached === undefined ? NOT_RECORDED : training.cached ? 'yes' : 'no',
    ]),
  );

const renderNetworks = ({ networks = [] }: Provenance): string =>
  provenanceTable(
    `Networks as they ran (${networks.length})`,
    ['network', 'weights', 'engine'],
    networks.map(({ name, hash, engine }) => [escapeHtml(name), hash === null ? 'see above' : code(hash), escapeHtml(engine)]),
  );

/** Where the numbers come from, and the command that makes them again. */
export const renderProvenance = (provenance: Provenance): string => {
  const { commit, profile, configHash, weightsHash, datasetHash, engine, machine, wallSeconds, finishedAt, command } = provenance;
  const entries: readonly (readonly [string, string])[] = [
    ['Commit', code(commit)],
    ['Profile', text(profile)],
    ['Config hash', code(configHash)],
    ['Weights hash', code(weightsHash)],
    ['Dataset hash', code(datasetHash)],
    ['Engine', text(engine)],
    ['Machine', text(machine)],
    ['Wall time', text(wallSeconds === null ? null : wallTime(wallSeconds))],
    ['Finished', text(finishedAt)],
  ];
  return `<section id="provenance" aria-labelledby="page-provenance-title">
<h2 id="page-provenance-title">Provenance</h2>
<p class="measure">These hold for every number above that names none of its own. The same numbers at full precision: <a href="results.json">results.json</a>.</p>
<dl class="provenance">
${entries.map(([term, value]) => `<div><dt>${term}</dt><dd>${value}</dd></div>`).join('\n')}
</dl>
<p class="command-label" id="page-command-label">Regenerate with</p>
<div class="command"><pre tabindex="0" aria-labelledby="page-command-label"><code id="page-command">${escapeHtml(command)}</code></pre><button type="button" class="copy" data-copies="page-command">Copy</button></div>
${[renderTrainings(provenance), renderNetworks(provenance)].filter((part) => part !== '').join('\n')}
</section>`;
};

/** Whose work is shown; nothing where it is nobody else's. */
export const renderAttribution = (attribution: readonly Attribution[]): string =>
  attribution.length === 0
    ? ''
    : `<section id="attribution" aria-labelledby="page-attribution-title">
<h2 id="page-attribution-title">Attribution</h2>
<ul class="attribution">
${attribution
  .map(({ work, author, license, url, note }) => {
    const name = url !== undefined && /^https?:\/\//.test(url) ? `<a href="${escapeHtml(url)}">${escapeHtml(work)}</a>` : escapeHtml(work);
    return `<li>${name} by ${escapeHtml(author)}, ${escapeHtml(license)}.${note === undefined ? '' : ` ${escapeHtml(note)}`}</li>`;
  })
  .join('\n')}
</ul>
</section>`;
