import type { Cell, Measurement, PaperValue } from './report.ts';

export const NOT_MEASURED = 'not measured';

export const isMeasurement = (cell: Cell): cell is Measurement => typeof cell === 'object' && cell !== null && 'n' in cell;

export const isPaperValue = (cell: Cell): cell is PaperValue => typeof cell === 'object' && cell !== null && 'source' in cell;
