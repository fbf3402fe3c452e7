/** A dense matrix, row major: element (i, j) is data[i * columns + j]. */
export interface Matrix {
  data: Float64Array;
  rows: number;
  columns: number;
}

export const zeros = (rows: number, columns: number): Matrix => ({ data: new Float64Array(rows * columns), rows, columns });

/** Rows from..to of a matrix, without copying. */
export const rowsOf = ({ data, columns }: Matrix, from: number, to: number): Matrix => ({
  data: data.subarray(from * columns, to * columns),
  rows: to - from,
  columns,
});

/** Rows of so many entries are copied faster by their own call than one by one. */
const LONG_ROW = 64;

/**
 * A copy of rows from row on and columns from column on, of size [rows, columns], which lie within the matrix.
 * @param memory where it is put; large copies into new memory cost more in page faults and garbage collection than in copying
 */
export function block(
  a: Matrix,
  row: number,
  column: number,
  rows: number,
  columns: number,
  memory: Float64Array = new Float64Array(rows * columns),
): Matrix {
  const data = memory.subarray(0, rows * columns);
  for (let i = 0; i < rows; i++) {
    const from = (row + i) * a.columns + column;
    const to = i * columns;
    if (columns < LONG_ROW) for (let j = 0; j < columns; j++) data[to + j] = a.data[from + j]!;
    else data.set(a.data.subarray(from, from + columns), to);
  }
  return { data, rows, columns };
}

export function transpose({ data, rows, columns }: Matrix): Matrix {
  const out = zeros(columns, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out.data[j * rows + i] = data[i * columns + j]!;
  }
  return out;
}
