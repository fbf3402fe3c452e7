import { checkPair, toMatrix } from '../features/feature-vectors.ts';
import { keyed, type KeyedFeatures } from '../frechet/near-copies.ts';
import { kernelGraph, squaredDiscrepancy, type KernelDistance, type KeyedRows } from './kernel-sums.ts';

/** (x . y / d + 1)^3; one is d / d, so that no constant is needed. */
const polynomial = kernelGraph([
  { op: 'Div', inputs: ['g', 'p'], output: 'scaled' },
  { op: 'Div', inputs: ['p', 'p'], output: 'one' },
  { op: 'Add', inputs: ['scaled', 'one'], output: 'base' },
  { op: 'Mul', inputs: ['base', 'base'], output: 'square' },
  { op: 'Mul', inputs: ['square', 'base'], output: 'k' },
]);

/**
 * Kernel distance with the kernel (x . y / D + 1)^3 over all pairs (of Inception features: KID): no random subsets, so it is
 * exact and the same every time. Other tools print the mean of 100 subsets of 1000, which has the same expectation.
 * Source: Binkowski et al., "Demystifying MMD GANs" (ICLR 2018), section 4; agrees with torch-fidelity's polynomial_mmd on one subset.
 * @throws MetricsError invalid-shape, not-finite, too-few-samples below 2 different images
 */
export async function kernelInceptionDistance(a: KeyedFeatures, b: KeyedFeatures): Promise<KernelDistance> {
  const { d } = checkPair('kernelInceptionDistance', a, b);
  const rows = (which: string, set: KeyedFeatures): KeyedRows => ({
    ...toMatrix(set),
    keys: keyed(`kernelInceptionDistance, ${which} set`, set).keys,
  });
  return squaredDiscrepancy(
    polynomial,
    d,
    rows('first', a),
    rows('second', b),
    (row) => (row.reduce((sum, x) => sum + x * x, 0) / d + 1) ** 3,
  );
}
