import { initialNoise, NoiseSchedule, sample, SOLVERS } from '@controllab/diffusion';

// Data of which the best denoiser is known, in place of a network: numbers around 2 with a deviation of a half.
const [mean, deviation] = [2, 0.5];
const schedule = new NoiseSchedule({ schedule: 'cosine' });
const { data } = await sample({
  scheduler: SOLVERS.unipc(schedule, { steps: 20, prediction: 'epsilon', spacing: 'trailing' }),
  noise: initialNoise(1, [4096, 1]),
  predict: async (x, timestep) => {
    const abar = schedule.alphaCumprod(timestep);
    const [signal, noise] = [Math.sqrt(abar), Math.sqrt(1 - abar)];
    const gain = (signal * deviation ** 2) / (abar * deviation ** 2 + noise ** 2);
    const x0 = (value: number) => mean + gain * (value - signal * mean);
    return { data: x.data.map((value) => (value - signal * x0(value)) / noise), shape: x.shape };
  },
});
const found = data.reduce((a, b) => a + b, 0) / data.length;
const spread = Math.sqrt(data.reduce((sum, value) => sum + (value - found) ** 2, 0) / data.length);
console.log(found.toFixed(1), spread.toFixed(1));
