/**
 * Solves A x = b for a symmetric positive A, [n, n], in place: `matrix` becomes its factor, `vector` the solution.
 * @returns false where A is not positive
 */
export function solvePositive(matrix: Float64Array, vector: Float64Array): boolean {
  const n = vector.length;
  for (let j = 0; j < n; j++) {
    let pivot = matrix[j * n + j]!;
    for (let k = 0; k < j; k++) pivot -= matrix[j * n + k]! ** 2;
    if (!(pivot > 0)) return false;
    pivot = Math.sqrt(pivot);
    matrix[j * n + j] = pivot;
    for (let i = j + 1; i < n; i++) {
      let value = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) value -= matrix[i * n + k]! * matrix[j * n + k]!;
      matrix[i * n + j] = value / pivot;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) vector[i]! -= matrix[i * n + k]! * vector[k]!;
    vector[i]! /= matrix[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) vector[i]! -= matrix[k * n + i]! * vector[k]!;
    vector[i]! /= matrix[i * n + i]!;
  }
  return true;
}

/** The inverse of a symmetric positive matrix, [n, n]; null where it is not positive. */
export function inversePositive(matrix: Float64Array, n: number): Float64Array | null {
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    const column = new Float64Array(n);
    column[j] = 1;
    if (!solvePositive(matrix.slice(), column)) return null;
    inverse.set(column, j * n);
  }
  return inverse;
}
