import type { PairStudy, Report } from '../model/report.ts';
import { escapeHtml, jsonForScript } from '../text/escape.ts';
import { paragraphs } from '../text/inline-text.ts';
import type { PlacedGrid } from '../write/place-images.ts';
import { pageHead } from './head.ts';
import { altText } from './pictures/picture.ts';

/** Pairs whose pictures share a PNG. */
export const PAIRS_A_ROW = 20;

/** What a study's page loads beside the report's style. */
export const STUDY_ASSETS = ['pair-study.css', 'pair-study-logic.js', 'pair-study.js'];

/** Where a report sends a reader who wants to look for themself. */
export const renderStudyLink = ({ id, caption, pairs }: PairStudy): string => `<div class="prose" id="${id}">${paragraphs(caption)}
<p><a href="${id}.html">Try it yourself: ${pairs.length} pairs, some to learn from and some to tell apart</a></p></div>`;

/** What the page's script needs. */
const studyData = ({ id }: Report, { id: study, models, pairs, beside }: PairStudy, { places }: PlacedGrid): unknown => {
  const placed = places.flat();
  const [{ width, height }] = pairs[0]!.images;
  return {
    study: `${id}/${study}`,
    models,
    width,
    height,
    beside,
    pairs: pairs.map(({ images }, i) =>
      images.map((image, side) => {
        const { file, index, count } = placed[2 * i + side]!;
        return { file, index, count, alt: altText(image) };
      }),
    ),
  };
};

const DEFAULTS = { taught: 20, asked: 40 };

const setup = ({ pairs: { length } }: PairStudy): string => {
  const taught = Math.min(DEFAULTS.taught, Math.floor(length / 2));
  const asked = Math.min(DEFAULTS.asked, length - taught);
  const number = (name: string, label: string, value: number, max: number): string =>
    `<label>${label} <input type="number" name="${name}" value="${value}" min="1" max="${max}" step="1" required></label>`;
  return `<form class="setup" id="setup">
<fieldset><legend>You are asked about</legend>
<label><input type="radio" name="shown" value="pairs" checked> both pictures of a pair, side by side</label>
<label><input type="radio" name="shown" value="single"> one picture at a time</label></fieldset>
${number('taught', 'Pairs to learn from', taught, length - 1)}
${number('asked', 'Pictures or pairs to tell apart', asked, length - 1)}
<label>Seed of the order <input type="number" name="seed" value="1" min="0" max="4294967295" step="1" required></label>
<p class="problem" role="alert"></p>
<button type="submit">Begin</button>
</form>`;
};

/** The page of a study: complete without a network, as the report is. */
export const studyPage = (report: Report, study: PairStudy, placed: PlacedGrid): string => `<!doctype html>
<html lang="en">
${pageHead(`Tell them apart: ${study.models.join(' and ')}`, {
  styles: ['assets/report.css', 'assets/pair-study.css'],
  scripts: ['assets/pair-study-logic.js', 'assets/pair-study.js'],
})}
<body>
<main class="page study" id="main">
<p class="eyebrow"><span><a href="index.html">${escapeHtml(report.title)}</a></span></p>
<h1 id="heading" tabindex="-1">Which model drew it?</h1>
<noscript><p class="note">This page asks its questions by a script, which the browser does not run.</p></noscript>
<div id="stage">
<div class="prose">${paragraphs(study.caption)}
<p>First you see pairs with their models' names under them, then others without. The order is random and follows from the seed: the same seed
shows the same again. Nothing leaves this page; at the end you can save your answers as a file. Keys: arrows and Enter.</p></div>
${setup(study)}
</div>
<p class="visually-hidden" id="said" aria-live="polite"></p>
<script type="application/json" id="study">${jsonForScript(studyData(report, study, placed))}</script>
</main>
</body>
</html>
`;
