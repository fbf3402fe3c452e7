import { TfjsOnnxError } from './errors.ts';
import { dtypeOf, showShape, sizeOf, type HostTensor, type Shape } from './types.ts';

/** Problems that a message tells, and names that it lists of those there are. */
const TOLD = 8;
const LISTED = 12;

const listOf = (names: readonly string[]): string =>
  `[${[...names.slice(0, LISTED), ...(names.length > LISTED ? [`and ${names.length - LISTED} more`] : [])].join(', ')}]`;

/** @throws missing-tensor, unexpected-tensor or shape-mismatch, listing every tensor that does not fit */
export function checkTensors(
  what: string,
  given: Record<string, HostTensor>,
  expected: Iterable<[string, { shape: Shape; dtype: string }]>,
): void {
  const problems: string[] = [];
  const known = new Set<string>();
  let code: 'missing-tensor' | 'unexpected-tensor' | 'shape-mismatch' = 'shape-mismatch';
  for (const [name, { shape, dtype }] of expected) {
    known.add(name);
    const t = given[name];
    if (t === undefined) {
      code = 'missing-tensor';
      problems.push(`'${name}' ${showShape(shape)} is missing`);
    } else if (t.shape.length !== shape.length || t.shape.some((d, i) => d !== shape[i]))
      problems.push(`'${name}' is ${showShape(t.shape)}, expected ${showShape(shape)}`);
    else if (t.data.length !== sizeOf(shape)) problems.push(`'${name}' has ${t.data.length} values for shape ${showShape(shape)}`);
    else if (dtypeOf(t) !== dtype) problems.push(`'${name}' is ${dtypeOf(t)}, expected ${dtype}`);
  }
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue;
    code = 'unexpected-tensor';
    problems.push(`'${name}' is not one of ${listOf([...known])}`);
  }
  if (problems.length > 0)
    throw new TfjsOnnxError(
      code,
      `${what}: ${problems.slice(0, TOLD).join('; ')}${problems.length > TOLD ? `; and ${problems.length - TOLD} more` : ''}`,
      { problems },
    );
}
