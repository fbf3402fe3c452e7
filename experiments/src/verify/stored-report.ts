import type { Claim, ClaimResult, Judgement, Measurement, Provenance, Report } from '@controllab/report';

/** A claim's result as results.json holds it: with what was judged of it. */
export type StoredResult = ClaimResult & Judgement;
type StoredClaim = Omit<Claim, 'results'> & { readonly results: readonly StoredResult[] };

/** results.json: the report without its prose and the pixels of its pictures, with its judgements. */
export type StoredReport = Pick<Report, 'sections'> & {
  readonly format: string;
  readonly claims: readonly StoredClaim[];
  readonly metrics?: Readonly<Record<string, number>>;
  readonly provenance: Pick<Provenance, 'commit' | 'profile' | 'trainings'>;
};

/** A claim of the first format: its one result stood in the claim, and its verdict followed from the interval alone. */
type FormerClaim = StoredClaim & { readonly measured?: Measurement | null; readonly verdict?: Judgement['verdict'] };

const upgraded = ({ measured, verdict, ...claim }: FormerClaim): StoredClaim => {
  if (measured === undefined) return claim;
  const none = { trainings: null, p: null, adjusted: null, family: null, detectable: null };
  return {
    ...claim,
    basis: 'rounds',
    primary: false,
    results: [{ label: null, measured, paper: null, ...none, verdict: verdict!, text: verdict! }],
  };
};

/** Reads results.json of either format. */
export function readStoredReport(text: string): StoredReport {
  const stored = JSON.parse(text) as StoredReport;
  return { ...stored, claims: stored.claims.map(upgraded) };
}
