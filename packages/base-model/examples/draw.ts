import { createSampler, openCheckpoint, openControl } from '@controllab/base-model';

/** A picture of a published checkpoint that follows a picture of edges. */
export async function draw(model: string, controlnet: string, prompt: string, edges: { data: Float32Array; shape: number[] }) {
  const base = openCheckpoint(model); // headers, configs and vocabularies; the weights stay in their files
  const control = openControl(controlnet, base);
  const size = { width: edges.shape[3]!, height: edges.shape[2]! };
  const sampler = await createSampler(
    base,
    { count: 1, guidance: true, controls: [{ ...control, scale: 0.8 }], size },
    { provider: 'cpu' },
  );
  const [image] = await sampler.sample({ prompts: [prompt], seed: 1, solver: 'unipc', steps: 20, guidanceScale: 7.5, conditions: [edges] });
  await sampler.release();
  return image!;
}
