import type { Claim, ClaimResult, Table } from '../model/report.ts';
import { measuredText } from '../render/value.ts';
import { judge } from '../statistics/judge.ts';
import { boundsOf } from '../statistics/verdict.ts';

/** A report's claims with their verdicts as a table for the terminal: claims by controls; those that depend on none come before. */
export const claimsTable = (claims: readonly Claim[]): Table => {
  const judgements = judge(claims);
  const labels = [...new Set(claims.flatMap(({ results }) => results.map(({ label }) => label)))].sort(
    (a, b) => Number(a !== null) - Number(b !== null),
  );
  const text = ({ rule }: Claim, { measured }: ClaimResult, verdict: string): string =>
    measured === null ? verdict : `${verdict}, ${measuredText(measured, boundsOf(rule))}`;
  return {
    kind: 'table',
    id: 'claims',
    caption: 'Claims and verdicts.',
    rowHeader: 'quantity',
    columns: labels.map((label) => ({ label: label ?? 'verdict' })),
    rows: claims.map((claim, i) => ({
      label: claim.quantity,
      cells: labels.map((label) => {
        const at = claim.results.findIndex((result) => result.label === label);
        return at < 0 ? '' : text(claim, claim.results[at]!, judgements[i]![at]!.text);
      }),
    })),
  };
};
