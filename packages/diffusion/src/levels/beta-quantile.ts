/** Both shape parameters of the beta distribution that noise levels are laid by ("Beta sampling is all you need"). */
const SHAPE = 0.6;
/** The beta function at (0.6, 0.6), gamma(0.6)^2 / gamma(1.2). */
const BETA_FUNCTION = 2.4153442080024714;

/** Probability of a value below x in [0, 1/2]: the power series of the incomplete beta function, which halves with every term or faster. */
function below(x: number): number {
  let factor = 1;
  let sum = 1 / SHAPE;
  for (let n = 1; n < 60; n++) {
    factor *= ((n - SHAPE) / n) * x;
    sum += factor / (SHAPE + n);
  }
  return (x ** SHAPE * sum) / BETA_FUNCTION;
}

/** The value that a draw from the beta distribution with shapes 0.6 and 0.6 stays below with this probability. */
export function betaQuantile(probability: number): number {
  if (probability > 0.5) return 1 - betaQuantile(1 - probability);
  if (probability === 0) return 0;
  // Newton's method on a concave function: after the first step it comes from the left, and stops where rounding does.
  let x = Math.min(0.5, (probability * SHAPE * BETA_FUNCTION) ** (1 / SHAPE));
  for (let i = 0; i < 50; i++) {
    const density = (x * (1 - x)) ** (SHAPE - 1) / BETA_FUNCTION;
    const next = Math.max(x / 2, x - (below(x) - probability) / density);
    if (Math.abs(next - x) <= 1e-15 * x) break;
    x = next;
  }
  return x;
}
