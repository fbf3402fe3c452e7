import { escapeHtml } from './escape.ts';
import { decimalsFor, formatExact } from './format-number.ts';
import { inlineText } from './inline-text.ts';
import { renderIntervalPlot } from './render-interval-plot.ts';
import { measuredDecimals, renderMeasurement, renderNotMeasured, sampleText } from './render-value.ts';
import type { Claim } from './report.ts';
import { type Verdict, type VerdictRule, verdict } from './verdict.ts';

const BADGES: Readonly<Record<Verdict, { className: string; sign: string }>> = {
  reproduced: { className: 'reproduced', sign: '\u2713' },
  'not reproduced': { className: 'not-reproduced', sign: '\u2717' },
  inconclusive: { className: 'inconclusive', sign: '\u223c' },
};

export const claimVerdict = ({ measured, rule }: Claim): Verdict => verdict(measured?.interval ?? null, rule);

const badge = (result: Verdict): string => {
  const { className, sign } = BADGES[result];
  return `<span class="badge ${className}"><span aria-hidden="true">${sign}</span> ${result}</span>`;
};

/** What the interval must do for the claim to count as reproduced. */
export const describeRule = (rule: VerdictRule): string => {
  if (rule.kind === 'within' && rule.lo === rule.hi) return `reproduced if the whole interval is exactly ${formatExact(rule.lo)}`;
  if (rule.kind === 'within') return `reproduced if the whole interval lies between ${formatExact(rule.lo)} and ${formatExact(rule.hi)}`;
  return `reproduced if the whole interval lies ${rule.kind} ${formatExact(rule.bound)}`;
};

const card = (claim: Claim): string => {
  const { id, measured, paper } = claim;
  const result = claimVerdict(claim);
  const decimals =
    measured === null
      ? 0
      : Math.max(measuredDecimals([measured]), measured.interval === null ? decimalsFor(Math.abs(measured.value) / 100) : 0);
  return `<article class="claim ${BADGES[result].className}" id="${id}" aria-labelledby="${id}-claim">
${badge(result)}
<h3 id="${id}-claim">${escapeHtml(claim.claim)}</h3>
<p class="source">${escapeHtml(claim.source)}</p>
<dl class="beside">
<div><dt>${escapeHtml(claim.quantity)}</dt><dd class="measured-here">${measured === null ? renderNotMeasured() : renderMeasurement(measured, decimals)}</dd>${measured === null ? '' : `<dd class="samples">${sampleText(measured)}</dd>`}</div>
<div><dt>Paper</dt><dd class="paper-value">${paper === null ? '<span class="missing">no number given</span>' : escapeHtml(paper.text)}</dd>${paper === null ? '' : `<dd class="samples">${escapeHtml(paper.source)}</dd>`}</div>
</dl>
${renderIntervalPlot(claim)}
<p class="test"><span class="rule">${describeRule(claim.rule)}</span> ${inlineText(claim.test)}</p>
</article>`;
};

const tally = (claims: readonly Claim[]): string =>
  (Object.keys(BADGES) as Verdict[])
    .map((result) => ({ result, count: claims.filter((claim) => claimVerdict(claim) === result).length }))
    .filter(({ count }) => count > 0)
    .map(({ result, count }) => `<li class="${BADGES[result].className}"><strong>${count}</strong> ${result}</li>`)
    .join('');

/** The claims as cards, with the count of every verdict above them; nothing for a report without claims. */
export const renderClaims = (claims: readonly Claim[]): string =>
  claims.length === 0
    ? ''
    : `<section id="key-results" aria-labelledby="key-results-title">
<h2 id="key-results-title">Key results</h2>
<ul class="tally" aria-label="Verdicts">${tally(claims)}</ul>
<div class="claims">
${claims.map(card).join('\n')}
</div>
</section>`;
