export { encodePng } from './encode-png.ts';
export { imageSheet } from './image-sheet.ts';
export { type Estimate, meanInterval, median, pairedDifferenceInterval } from './interval.ts';
export type * from './report.ts';
export { ReportError, type ReportErrorCode } from './report-error.ts';
export { readPngText, withPngText } from './png-text.ts';
export { currentCommit, machine } from './provenance.ts';
export { type Verdict, type VerdictRule, verdict } from './verdict.ts';
export { writeReport } from './write-report.ts';
