import type { DrawnCodes } from './code-model.ts';

/**
 * A code drawn from the likeliest ones: the first, from the likeliest downwards, whose cumulated probability is above u. Of equal logits
 * the lower index comes first.
 * @param logits of every code
 * @param u in [0, 1)
 */
export function drawCode(logits: Float32Array, u: number, { topK, temperature }: DrawnCodes): number {
  const likeliest = Array.from(logits.keys())
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .slice(0, topK);
  const shares = likeliest.map((code) => Math.exp((logits[code]! - logits[likeliest[0]!]!) / temperature));
  let left = u * shares.reduce((a, b) => a + b, 0);
  const place = shares.findIndex((share) => (left -= share) < 0);
  return likeliest.at(place)!;
}
