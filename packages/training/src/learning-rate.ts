/** Learning rate of a step, counted from 0. */
export type LearningRate = (step: number) => number;

/** Linear warm-up to `peak` over `warmup` steps, then constant. */
export function constantRate({ peak, warmup = 0 }: { peak: number; warmup?: number }): LearningRate {
  return (step) => (step < warmup ? (peak * (step + 1)) / warmup : peak);
}

/** Linear warm-up to `peak` over `warmup` steps, then half a cosine down to `final` at `totalSteps`. */
export function cosineRate({
  peak,
  totalSteps,
  warmup = 0,
  final = 0,
}: {
  peak: number;
  totalSteps: number;
  warmup?: number;
  final?: number;
}): LearningRate {
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    const progress = Math.min(1, (step - warmup) / Math.max(1, totalSteps - warmup));
    return final + (peak - final) * 0.5 * (1 + Math.cos(Math.PI * progress));
  };
}

/**
 * Linear warm-up to `peak`, constant, then a decay over the last `decay` steps that falls as 1 - sqrt of its progress, to 0 at `totalSteps`
 * (warm-up, stable, decay: MiniCPM, Hu et al. 2024; shape of Haegele et al. 2024). Unlike a cosine, its first part does not depend on the
 * run's length: a run that proves too short is continued from a checkpoint before the decay, and ends as if it had been longer from the
 * start.
 */
export function stableDecayRate({
  peak,
  totalSteps,
  decay,
  warmup = 0,
}: {
  peak: number;
  totalSteps: number;
  decay: number;
  warmup?: number;
}): LearningRate {
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    const progress = Math.min(1, (step - (totalSteps - decay)) / decay);
    return progress <= 0 ? peak : peak * (1 - Math.sqrt(progress));
  };
}

/** The schedules of diffusers' training scripts (`--lr_scheduler`). */
export const diffusersSchedules = ['constant', 'constant_with_warmup', 'linear', 'cosine', 'cosine_with_restarts', 'polynomial'] as const;

/** A schedule of diffusers' by its name there. */
export interface DiffusersSchedule {
  readonly diffusers: (typeof diffusersSchedules)[number];
  /** Hard restarts of `cosine_with_restarts`; 1. */
  readonly cycles?: number;
  /** Of `polynomial`; 1. */
  readonly power?: number;
}

/** Where `polynomial` ends. */
const POLYNOMIAL_END = 1e-7;

/**
 * diffusers' `get_scheduler` (optimization.py): a linear warm-up that begins at 0, but for `constant`, then the schedule's share of `peak`,
 * which but for `polynomial` ends at 0 at `totalSteps`.
 */
export function diffusersRate(
  { diffusers, cycles = 1, power = 1 }: DiffusersSchedule,
  { peak, warmup, totalSteps }: { peak: number; warmup: number; totalSteps: number },
): LearningRate {
  const cosine = (turns: number): number => 0.5 * (1 + Math.cos(Math.PI * turns));
  const share: Record<DiffusersSchedule['diffusers'], (progress: number) => number> = {
    constant: () => 1,
    constant_with_warmup: () => 1,
    linear: (progress) => 1 - progress,
    cosine,
    cosine_with_restarts: (progress) => (progress >= 1 ? 0 : cosine((cycles * progress) % 1)),
    polynomial: (progress) => ((peak - POLYNOMIAL_END) * (1 - progress) ** power + POLYNOMIAL_END) / peak,
  };
  return (step) => {
    if (step < warmup && diffusers !== 'constant') return (peak * step) / warmup;
    return peak * share[diffusers](Math.min(1, (step - warmup) / Math.max(1, totalSteps - warmup)));
  };
}
