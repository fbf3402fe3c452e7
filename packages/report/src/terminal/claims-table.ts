import type { Claim, ClaimResult, Table } from '../model/report.ts';
import { measuredText } from '../render/value.ts';
import { judge } from '../statistics/judge.ts';

/** A report's claims with their verdicts as a table for the terminal: claims by controls; those that depend on none come before. */
export const claimsTable = (claims: readonly Claim[]): Table => {
  const judgements = judge(claims);
  const labels = [...new Set(claims.flatMap(({ results }) => results.map(({ label }) => label)))].sort(
    (a, b) => Number(a !== null) - Number(b !== null),
  );
  const text = ({ measured }: ClaimResult, verdict: string): string =>
    measured === null ? verdict : `${verdict}, ${measuredText(measured)}`;
  return {
    kind: 'table',
    id: 'claims',
    caption: 'Claims and verdicts.',
    rowHeader: 'quantity',
    columns: labels.map((label) => ({ label: label ?? 'verdict' })),
    rows: claims.map(({ quantity, results }, i) => ({
      label: quantity,
      cells: labels.map((label) => {
        const at = results.findIndex((result) => result.label === label);
        return at < 0 ? '' : text(results[at]!, judgements[i]![at]!.text);
      }),
    })),
  };
};
