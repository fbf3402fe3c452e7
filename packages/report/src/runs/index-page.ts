import { BADGES } from '../render/badges.ts';
import { pageHead } from '../render/head.ts';
import { scrollBox } from '../render/scroll.ts';
import type { Tally } from '../render/tally.ts';
import { escapeHtml, jsonForScript } from '../text/escape.ts';
import { inlineText } from '../text/inline-text.ts';
import type { Run } from './find-runs.ts';

/** Stands in every index of ours, which may therefore be written anew. */
export const INDEX_MARK = '<main class="page index"';

/** A path below the reports as an address: a folder's name may hold anything. */
const address = (file: string): string => escapeHtml(file.split('/').map(encodeURIComponent).join('/'));

const thumbnails = ({ pictures, folder, page }: Run): string =>
  `<a class="thumbnails" href="${address(folder)}/${page}" tabindex="-1" aria-hidden="true">${pictures
    .map(
      ({ file, index, count }) =>
        `<span class="frame pixelated" style="--tiles:${count};--tile:${index}"><img src="${address(file)}" alt="" loading="lazy"></span>`,
    )
    .join('')}</a>`;

/** "+2 facts": results of a kind that are not the report's verdicts. */
const addition = ({ kind, total }: Tally): string => `+${total} ${total === 1 ? kind.replace(/s$/, '') : kind}`;

/** The verdicts on what was written down before the run, or on what there is instead of it; of all else the number. */
const verdictBadges = ({ tallies: [first, ...others], isFormer }: Run): string => {
  if (first === undefined) return '';
  const badges = first.verdicts.map(([verdict, count]) => `<li class="badge ${BADGES[verdict].className}">${count} ${verdict}</li>`);
  const more = others.length === 0 ? '' : `<li class="samples">${others.map(addition).join(', ')}</li>`;
  return `<ul class="counts" aria-label="Verdicts"><li class="samples">${first.kind}</li>${badges.join('')}${more}${isFormer ? '<li class="samples">by the rules of an older version, which judged however few trainings</li>' : ''}</ul>`;
};

const item = (run: Run): string => {
  const { id, profile, seed, commit, finishedAt, folder, page, title, takeaway, remark } = run;
  const facts = [
    id,
    `profile ${profile}`,
    ...(seed === null ? [] : [`seed ${seed}`]),
    ...(folder.startsWith('published/') ? ['published'] : []),
    ...(finishedAt === null ? [] : [finishedAt.slice(0, 16).replace('T', ' ')]),
    ...(commit === null ? [] : [`commit ${commit}`]),
  ];
  return `<li>${thumbnails(run)}<div><h2><a href="${address(folder)}/${page}">${escapeHtml(title)}</a></h2>
<p class="samples">${escapeHtml(facts.join(' \u00b7 '))}</p>
<p>${inlineText(takeaway)}</p>
${remark === null ? '' : `<p class="remark"><strong>Since publication:</strong> ${inlineText(remark)}</p>\n`}${verdictBadges(run)}</div></li>`;
};

/** What the comparison needs of a run. */
const compared = ({ folder, page, id, profile, seed, finishedAt, entries }: Run): unknown => ({
  id,
  // Two runs of one experiment may differ in their folder alone.
  name: `${[id, profile, ...(seed === null ? [] : [`seed ${seed}`])].join(', ')} \u00b7 ${folder}`,
  folder,
  page,
  finishedAt,
  entries: entries.map(({ group, name, text }) => [group, name, text]),
});

/** The index over runs, newest first, and any two of them side by side. */
export const indexPage = (runs: readonly Run[]): string => `<!doctype html>
<html lang="en">
${pageHead('Reports', { styles: ['assets/report.css', 'assets/index.css'], scripts: ['assets/index.js'] })}
<body>
<a class="skip" href="#compare">Skip to the comparison</a>
${INDEX_MARK}>
<h1>Reports</h1>
${runs.length === 0 ? '<p>No report yet.</p>' : `<ul class="runs">\n${runs.map(item).join('\n')}\n</ul>`}
<section id="compare" aria-labelledby="compare-title"${runs.length < 2 ? ' hidden' : ''}>
<h2 id="compare-title">Two runs side by side</h2>
<form class="compare"><label>A <select name="a"></select></label> <label>B <select name="b"></select></label> <label><input type="checkbox" name="differing"> only what differs</label></form>
<p class="samples" id="compare-remark" aria-live="polite"></p>
${scrollBox('aria-label="Comparison"', '<table class="comparison"></table>')}
</section>
<script type="application/json" id="runs">${jsonForScript(runs.map(compared))}</script>
</main>
</body>
</html>
`;
