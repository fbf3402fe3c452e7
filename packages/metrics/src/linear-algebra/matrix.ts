/** A dense matrix, row major: element (i, j) is data[i * columns + j]. */
export interface Matrix {
  data: Float64Array;
  rows: number;
  columns: number;
}

export const zeros = (rows: number, columns: number): Matrix => ({ data: new Float64Array(rows * columns), rows, columns });

/** Rows from..to of a matrix, without copying. */
export const rowsOf = ({ data, columns }: Matrix, from: number, to: number): Matrix => ({ data: data.subarray(from * columns, to * columns), rows: to - from, columns });

/** A copy of rows from row on and columns from column on, of size [rows, columns]; zero beyond the matrix. */
export function block(a: Matrix, row: number, column: number, rows: number, columns: number): Matrix {
  const out = zeros(rows, columns);
  const width = Math.min(columns, a.columns - column);
  for (let i = 0; i < Math.min(rows, a.rows - row); i++) {
    const start = (row + i) * a.columns + column;
    out.data.set(a.data.subarray(start, start + width), i * columns);
  }
  return out;
}

export function transpose({ data, rows, columns }: Matrix): Matrix {
  const out = zeros(columns, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out.data[j * rows + i] = data[i * columns + j]!;
  }
  return out;
}
