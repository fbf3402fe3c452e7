import type { Claim, ClaimResult, Provenance, Report } from '../model/report.ts';
import type { Judgement } from '../statistics/judge.ts';

/** Stands in every results.json; what it holds changes meaning with it. */
export const RESULTS_FORMAT = 'controllab-report-2';

/** A claim's result as results.json holds it: with what was judged of it. */
export type StoredResult = ClaimResult & Judgement;

/** results.json: the report without its prose and the pixels of its pictures, with its judgements. */
export type StoredReport = Pick<Report, 'sections'> & {
  readonly format: typeof RESULTS_FORMAT;
  readonly claims: readonly (Omit<Claim, 'results'> & { readonly results: readonly StoredResult[] })[];
  readonly metrics?: Readonly<Record<string, number>>;
  readonly provenance: Pick<Provenance, 'commit' | 'profile' | 'trainings'>;
};

/** Reads the text of a results.json; null for one of another format. @throws SyntaxError for what is no JSON */
export function readStoredReport(text: string): StoredReport | null {
  const stored = JSON.parse(text) as StoredReport | null;
  return stored?.format === RESULTS_FORMAT ? stored : null;
}
