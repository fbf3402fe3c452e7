import type { Block, Claim, ClaimResult, Measurement, Report } from '../model/report.ts';
import { judge, LEVEL, type Judgement } from '../statistics/judge.ts';
import { boundsOf, type VerdictRule } from '../statistics/verdict.ts';
import { escapeHtml } from '../text/escape.ts';
import { decimalsApart, decimalsFor, formatExact, formatterOf } from '../text/format-number.ts';
import { inlineText } from '../text/inline-text.ts';
import { BADGES } from './badges.ts';
import { renderIntervalPlot } from './interval-plot.ts';
import { kindOf, tallies, type Kind } from './tally.ts';
import { measuredDecimals, renderMeasurement, renderNotMeasured, sampleText } from './value.ts';

const badge = ({ verdict, text }: Judgement): string => {
  const { className, sign } = BADGES[verdict];
  return `<span class="badge ${className}"><span aria-hidden="true">${sign}</span> ${text}</span>`;
};

/** What the measured quantity must do for the claim to count as reproduced. */
export const describeRule = (rule: VerdictRule, basis: Claim['basis']): string => {
  const what = { fact: 'it is', trainings: 'its mean over trainings is shown to be', rounds: 'the whole interval lies' }[basis];
  if (rule.kind === 'within' && rule.lo === rule.hi) return `reproduced if ${what} exactly ${formatExact(rule.lo)}`;
  if (rule.kind === 'within') return `reproduced if ${what} between ${formatExact(rule.lo)} and ${formatExact(rule.hi)}`;
  return `reproduced if ${what} ${rule.kind} ${formatExact(rule.bound)}`;
};

const KINDS: Readonly<Record<Kind, string>> = {
  facts: 'a fact that needs no training',
  primary: 'primary',
  exploratory: 'exploratory',
  timings: 'timings',
};

const decimalsOf = (measured: Measurement, rule: VerdictRule): number => {
  const decimals = measuredDecimals([measured]);
  return measured.interval === null
    ? Math.max(decimals, decimalsFor(Math.abs(measured.value) / 100))
    : decimalsApart(measured.interval, boundsOf(rule), decimals);
};

const shortNumber = (value: number): string => formatterOf([value, value], decimalsFor(value))(value);

const showP = (p: number): string => (p < 0.001 ? 'below 0.001' : p.toFixed(3));

const boundText = (rule: VerdictRule): string =>
  rule.kind === 'within' ? `the bounds ${formatExact(rule.lo)} and ${formatExact(rule.hi)}` : formatExact(rule.bound);

const cell = ({ rule }: Claim, result: ClaimResult, judgement: Judgement): string => {
  const { label, measured } = result;
  const value = measured === null ? renderNotMeasured() : renderMeasurement(measured, decimalsOf(measured, rule));
  const power =
    judgement.detectable === null
      ? ''
      : `<span class="samples">smallest difference it could have seen: ${shortNumber(judgement.detectable)} ${rule.kind === 'within' ? 'from' : 'beyond'} ${boundText(rule)}</span>`;
  // Its interval alone lies beyond the bound: why the verdict is open all the same is said where both are read.
  const { verdict, p, adjusted, family } = judgement;
  const correction =
    verdict === 'inconclusive' && family !== null && p! <= LEVEL
      ? `<span class="samples">p ${showP(p!)} by itself, ${showP(adjusted!)} as one of ${family} primary results</span>`
      : '';
  // The control's name stands in the table's head, and on a narrow screen here.
  const control = label === null ? '' : `<span class="control" aria-hidden="true">${escapeHtml(label)}</span>`;
  return `${control}${badge(judgement)}<span class="claim-value">${value}</span>${correction}${power}`;
};

const pSentence = ({ p, adjusted, family }: Judgement): string => {
  if (p === null || adjusted === null) return '';
  if (family === null) return `p ${showP(p)}; exploratory: not corrected.`;
  return `p ${showP(p)}; with Holm\u2019s correction for ${family} primary ${family === 1 ? 'result' : 'results'} ${showP(adjusted)}.`;
};

const resultDetails = ({ rule }: Claim, result: ClaimResult, judgement: Judgement): string => {
  const { measured, paper, label } = result;
  const sentences = [
    ...(measured === null ? [] : [`${sampleText(measured)}. ${measured.method}.`]),
    pSentence(judgement),
    judgement.detectable === null
      ? ''
      : `A difference of ${shortNumber(judgement.detectable)} from ${boundText(rule)} would have shown in four of five such runs.`,
    paper === null ? 'The paper gives no number.' : `Paper: ${paper.text} (${paper.source}).`,
  ].filter((text) => text !== '');
  return `<div class="claim-result">${label === null ? '' : `<p class="control-title">${escapeHtml(label)}</p>`}
${renderIntervalPlot(result, rule)}
<p class="samples">${escapeHtml(sentences.join(' '))}</p></div>`;
};

/** Where a claim is shown, and the numbers of that as CSV. */
const links = ({ shownIn }: Claim, blocks: ReadonlyMap<string, Block>): string => {
  if (shownIn === undefined) return '';
  const { kind } = blocks.get(shownIn)!;
  const isTable = kind === 'table';
  const hasNumbers = isTable || kind === 'line' || kind === 'bar';
  return ` \u00b7 <a href="#${shownIn}">${isTable ? 'table' : 'figure'}</a>${hasNumbers ? ` \u00b7 <a href="${shownIn}.csv">CSV</a>` : ''}`;
};

const row = (claim: Claim, judgements: readonly Judgement[], columns: readonly string[], blocks: ReadonlyMap<string, Block>): string => {
  const { id, results } = claim;
  const width = Math.max(1, columns.length);
  const standsAlone = results.length === 1 && results[0]!.label === null;
  const cells = standsAlone
    ? `<td colspan="${width}">${cell(claim, results[0]!, judgements[0]!)}</td>`
    : columns
        .map((column) => results.findIndex(({ label }) => label === column))
        .map((i) => (i < 0 ? '<td class="none"></td>' : `<td>${cell(claim, results[i]!, judgements[i]!)}</td>`))
        .join('');
  return `<tr id="${id}"><th scope="row"><span class="claim-text">${escapeHtml(claim.claim)}</span><span class="source">${escapeHtml(claim.source)} \u00b7 ${KINDS[kindOf(claim)]}${links(claim, blocks)}</span></th>${cells}</tr>
<tr class="details"><td colspan="${1 + width}"><details><summary>How it was tested: ${escapeHtml(claim.quantity)}</summary>
<p class="test"><span class="rule">${describeRule(claim.rule, claim.basis)}.</span> ${inlineText(claim.test)}</p>
<div class="claim-results">${results.map((result, i) => resultDetails(claim, result, judgements[i]!)).join('\n')}</div></details></td></tr>`;
};

/** How many results have each verdict, kind by kind. */
const tally = (claims: readonly Claim[], judgements: readonly (readonly Judgement[])[]): string =>
  tallies(claims.flatMap((claim, i) => judgements[i]!.map(({ verdict }) => ({ kind: kindOf(claim), verdict }))))
    .map(({ kind, verdicts }) => {
      const counts = verdicts.map(
        ([verdict, count]) => `<span class="${BADGES[verdict].className}"><strong>${count}</strong> ${verdict}</span>`,
      );
      return `<li class="kind">${kind} <span class="verdicts">${counts.join(' ')}</span></li>`;
    })
    .join('');

/** Facts, then what was written down before the run, then the rest. */
const rank = ({ basis, primary }: Claim): number => (basis === 'fact' ? 0 : primary ? 1 : 2);

/** Claims by controls with the count of every verdict above them; details on demand. Nothing for a report without claims. */
export const renderClaims = ({ claims, sections }: Pick<Report, 'claims' | 'sections'>): string => {
  if (claims.length === 0) return '';
  const judgements = judge(claims);
  const blocks = new Map(
    sections.flatMap(({ blocks: all }) => all.flatMap((block) => ('id' in block ? [[block.id, block] as const] : []))),
  );
  const columns = [...new Set(claims.flatMap(({ results }) => results.flatMap(({ label }) => (label === null ? [] : [label]))))];
  const order = claims.map((_, i) => i).sort((a, b) => rank(claims[a]!) - rank(claims[b]!));
  const head = (columns.length === 0 ? ['verdict'] : columns).map((label) => `<th scope="col">${escapeHtml(label)}</th>`).join('');
  return `<section id="key-results" aria-labelledby="page-key-results-title">
<h2 id="page-key-results-title">Key results</h2>
<ul class="tally" aria-label="Verdicts">${tally(claims, judgements)}</ul>
<table class="claims">
<thead><tr><th scope="col">claim</th>${head}</tr></thead>
<tbody>
${order.map((i) => row(claims[i]!, judgements[i]!, columns, blocks)).join('\n')}
</tbody>
</table>
</section>`;
};
