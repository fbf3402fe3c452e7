import type { Cell, Measurement, Table } from '@controllab/report';
import type { RowId } from './methods.ts';

/** A cell for which the paper has no number. */
export const NOT_IN_PAPER = '–';

/** A number that was counted or printed, as a measurement. @param n what it counts over */
export const exact = (value: number, n: number, method: string): Measurement => ({
  value,
  interval: [value, value],
  n,
  method,
  seeds: [],
});

/** "+41.9%". */
export const signed = (percent: number): string => `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)}%`;

/** A base model and what was measured of it, alone first and then under each method. */
interface Rows<Row> {
  readonly label: string;
  readonly methods: readonly Row[];
}

export const methodOf = <Row extends { readonly id: RowId }>({ methods }: Pick<Rows<Row>, 'methods'>, id: RowId): Row =>
  methods.find((method) => method.id === id)!;

export const baseOf = <Row extends { readonly id: RowId }>(model: Pick<Rows<Row>, 'methods'>): Row => methodOf(model, 'base');

/** A table's rows: every method of every base model. */
export const rowsOf = <Row extends { readonly label: string }, Model extends Rows<Row>>(
  models: readonly (Model & Rows<Row>)[],
  cells: (model: Model, method: Row) => Cell[],
): Table['rows'] =>
  models.flatMap((model) => model.methods.map((method) => ({ label: `${model.label}: ${method.label}`, cells: cells(model, method) })));

/** The paper's row for a method; both control modules of ControlNeXt stand beside its one row. */
export function paperName(id: Exclude<RowId, 'controlnet-lite'>): 'base' | 'controlnet' | 'controlnext';
export function paperName(id: RowId): 'base' | 'controlnet' | 'controlnext' | null;
export function paperName(id: RowId): 'base' | 'controlnet' | 'controlnext' | null {
  if (id === 'controlnet-lite') return null;
  return id === 'controlnext-legacy' ? 'controlnext' : id;
}
