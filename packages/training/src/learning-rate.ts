/** Learning rate of a step, counted from 0. */
export type LearningRate = (step: number) => number;

/** Linear warm-up to `peak` over `warmup` steps, then constant. */
export function constantRate({ peak, warmup = 0 }: { peak: number; warmup?: number }): LearningRate {
  return (step) => (step < warmup ? (peak * (step + 1)) / warmup : peak);
}

/** Linear warm-up to `peak` over `warmup` steps, then half a cosine down to `final` at `totalSteps`. */
export function cosineRate({ peak, totalSteps, warmup = 0, final = 0 }: { peak: number; totalSteps: number; warmup?: number; final?: number }): LearningRate {
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    const progress = Math.min(1, (step - warmup) / Math.max(1, totalSteps - warmup));
    return final + (peak - final) * 0.5 * (1 + Math.cos(Math.PI * progress));
  };
}
