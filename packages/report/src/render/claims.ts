import { escapeHtml } from '../text/escape.ts';
import { decimalsFor, formatExact, formatNumber } from '../text/format-number.ts';
import { inlineText } from '../text/inline-text.ts';
import { renderIntervalPlot } from './interval-plot.ts';
import { measuredDecimals, renderMeasurement, renderNotMeasured, sampleText } from './value.ts';
import type { Claim, ClaimResult, Report } from '../model/report.ts';
import { judge, type Judgement, type Verdict, type VerdictRule } from '../statistics/verdict.ts';

const BADGES: Readonly<Record<Verdict, { className: string; sign: string }>> = {
  reproduced: { className: 'reproduced', sign: '\u2713' },
  'not reproduced': { className: 'not-reproduced', sign: '\u2717' },
  inconclusive: { className: 'inconclusive', sign: '\u223c' },
  'not judged': { className: 'not-judged', sign: '\u2013' },
};

/** "not judged: 1 training". */
export const verdictText = ({ verdict, trainings }: Pick<Judgement, 'verdict' | 'trainings'>): string =>
  verdict === 'not judged' && trainings !== null ? `not judged: ${trainings} ${trainings === 1 ? 'training' : 'trainings'}` : verdict;

const badge = (judgement: Judgement): string => {
  const { className, sign } = BADGES[judgement.verdict];
  return `<span class="badge ${className}"><span aria-hidden="true">${sign}</span> ${verdictText(judgement)}</span>`;
};

/** What the measured quantity must do for the claim to count as reproduced. */
export const describeRule = (rule: VerdictRule, basis: Claim['basis']): string => {
  const what = basis === 'fact' ? 'it is' : basis === 'trainings' ? 'its mean over trainings is shown to be' : 'the whole interval lies';
  if (rule.kind === 'within' && rule.lo === rule.hi) return `reproduced if ${what} exactly ${formatExact(rule.lo)}`;
  if (rule.kind === 'within') return `reproduced if ${what} between ${formatExact(rule.lo)} and ${formatExact(rule.hi)}`;
  return `reproduced if ${what} ${rule.kind} ${formatExact(rule.bound)}`;
};

const decimalsOf = ({ measured }: ClaimResult): number =>
  measured === null
    ? 0
    : Math.max(measuredDecimals([measured]), measured.interval === null ? decimalsFor(Math.abs(measured.value) / 100) : 0);

/** What the run could have seen, beside a verdict that it left open. */
const detectableText = ({ verdict, detectable }: Judgement): string =>
  verdict === 'inconclusive' && detectable !== null
    ? `could have seen a difference of ${formatNumber(detectable, decimalsFor(detectable / 10))}`
    : '';

const cell = (result: ClaimResult, judgement: Judgement): string => {
  const { measured } = result;
  const value = measured === null ? renderNotMeasured() : renderMeasurement(measured, decimalsOf(result));
  const remark = detectableText(judgement);
  return `${badge(judgement)}<span class="claim-value">${value}</span>${remark === '' ? '' : `<span class="samples">${remark}</span>`}`;
};

const pText = ({ p, adjusted }: Judgement, primary: boolean): string => {
  if (p === null || adjusted === null) return '';
  const show = (x: number): string => (x < 0.001 ? 'below 0.001' : x.toFixed(3));
  return primary ? `p ${show(p)}, with Holm\u2019s correction ${show(adjusted)}` : `p ${show(p)}, exploratory, not corrected`;
};

const resultDetails = (claim: Claim, result: ClaimResult, judgement: Judgement): string => {
  const { measured, paper, label } = result;
  const remarks = [
    ...(measured === null ? [] : [sampleText(measured)]),
    pText(judgement, claim.primary),
    detectableText(judgement),
    paper === null ? 'paper: no number given' : `paper: ${paper.text} (${paper.source})`,
  ].filter((text) => text !== '');
  return `<div class="claim-result">${label === null ? '' : `<h4>${escapeHtml(label)}</h4>`}
${renderIntervalPlot(result, claim.rule)}
<p class="samples">${escapeHtml(remarks.join('; '))}</p></div>`;
};

const row = (claim: Claim, judgements: readonly Judgement[], columns: readonly string[]): string => {
  const { id, results, shownIn } = claim;
  const standsAlone = results.length === 1 && results[0]!.label === null;
  const cells = standsAlone
    ? `<td colspan="${Math.max(1, columns.length)}">${cell(results[0]!, judgements[0]!)}</td>`
    : columns
        .map((column) => {
          const i = results.findIndex(({ label }) => label === column);
          return `<td>${i < 0 ? '' : cell(results[i]!, judgements[i]!)}</td>`;
        })
        .join('');
  const kind =
    claim.basis === 'trainings' ? (claim.primary ? 'primary' : 'exploratory') : claim.basis === 'fact' ? 'needs no training' : 'timings';
  const links = shownIn === undefined ? '' : ` <a href="#${shownIn}">figure</a>`;
  return `<tr id="${id}"><th scope="row"><span class="claim-text">${escapeHtml(claim.claim)}</span><span class="source">${escapeHtml(claim.source)} \u00b7 ${kind}</span></th>${cells}</tr>
<tr class="details"><td colspan="${1 + Math.max(1, columns.length)}"><details><summary>How it was tested: ${escapeHtml(claim.quantity)}</summary>
<p class="test"><span class="rule">${describeRule(claim.rule, claim.basis)}.</span> ${inlineText(claim.test)}${links}</p>
<div class="claim-results">${results.map((result, i) => resultDetails(claim, result, judgements[i]!)).join('\n')}</div></details></td></tr>`;
};

const tally = (judgements: readonly Judgement[]): string =>
  (Object.keys(BADGES) as Verdict[])
    .map((verdict) => ({ verdict, count: judgements.filter((judgement) => judgement.verdict === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `<li class="${BADGES[verdict].className}"><strong>${count}</strong> ${verdict}</li>`)
    .join('');

/** Claims by controls with the count of every verdict above them, facts first; details on demand. Nothing for a report without claims. */
export const renderClaims = ({ claims }: Pick<Report, 'claims'>): string => {
  if (claims.length === 0) return '';
  const judgements = judge(claims);
  const columns = [...new Set(claims.flatMap(({ results }) => results.flatMap(({ label }) => (label === null ? [] : [label]))))];
  const order = claims.map((_, i) => i).sort((a, b) => Number(claims[b]!.basis === 'fact') - Number(claims[a]!.basis === 'fact'));
  const head =
    columns.length === 0 ? '<th scope="col">verdict</th>' : columns.map((label) => `<th scope="col">${escapeHtml(label)}</th>`).join('');
  return `<section id="key-results" aria-labelledby="key-results-title">
<h2 id="key-results-title">Key results</h2>
<ul class="tally" aria-label="Verdicts">${tally(judgements.flat())}</ul>
<div class="scroll" role="region" tabindex="0" aria-labelledby="key-results-title">
<table class="claims">
<thead><tr><th scope="col">claim</th>${head}</tr></thead>
<tbody>
${order.map((i) => row(claims[i]!, judgements[i]!, columns)).join('\n')}
</tbody>
</table>
</div>
</section>`;
};
