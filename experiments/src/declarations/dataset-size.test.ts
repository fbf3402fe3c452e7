import { expect, it } from 'vitest';
import job, { ofSize } from './dataset-size.ts';

it('--size keeps the trainings of one size, and names those that the profile lacks', () => {
  const { quick, standard } = job.profiles as Record<string, Parameters<typeof ofSize>[0]>;
  expect(ofSize(quick!, undefined)).toBe(quick);
  expect(ofSize(quick!, '25000').arms).toEqual(['controlnet-25000', 'controlnext-25000']);
  expect(ofSize(standard!, '1000').arms).toEqual(['controlnet-1000', 'controlnext-1000', 'controlnet-1000-epochs', 'controlnet-1000-long']);
  const [option] = job.options;
  expect(option!.argChoices).toEqual(['1000', '5000', '10000', '25000', '50000', '100000', '250000', '500000', '1000000', '3000000']);
});

it('nothing larger than 250,000 is trained before the prediction is sealed, and five seeds carry each verdict', () => {
  const { sealed, standard } = job.profiles as Record<string, Parameters<typeof ofSize>[0]>;
  expect(Math.max(...sealed!.arms!.map((id) => Number(id.split('-')[1])))).toBe(250_000);
  // 3 sizes x 5 + 5 x 2 + 2 of ControlNet, 2 x 5 + 2 of ControlNeXt, 2 x 2 wrong, 3 + 2 long: 48 a condition.
  expect(job.trainings!(standard!)).toBe(96);
  // Batches of the quick profile's four trainings.
  expect(job.plan({ ...standard!, arms: ['controlnet-1000'] }, {}).join()).toMatch(/^10 trainings of 32,000 samples/);
});
