import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { missingFile } from './missing-file.ts';

describe('what is not there', () => {
  const here = (name: string): string => path.join(process.cwd(), name);

  it('is told how to be had where its name is one of the Hub', () => {
    const advice =
      ' If runwayml/stable-diffusion-v1-5 is a name on the Hugging Face Hub: nothing is downloaded here. Get it with "hf download runwayml/stable-diffusion-v1-5 --local-dir stable-diffusion-v1-5" and give that folder, stable-diffusion-v1-5.';
    expect(missingFile('model', 'runwayml/stable-diffusion-v1-5')).toBe(`There is no model at runwayml/stable-diffusion-v1-5.${advice}`);
    const absolute = here('runwayml/stable-diffusion-v1-5');
    expect(missingFile('model', absolute)).toBe(`There is no model at ${absolute}.${advice}`);
    expect(missingFile('ControlNet', 'lllyasviel/control_v11p_sd15_canny')).toMatch(
      /"hf download lllyasviel\/control_v11p_sd15_canny --local-dir control_v11p_sd15_canny" and give that folder, control_v11p_sd15_canny\.$/,
    );
  });

  it.each(['sd15', '/models/sd15', 'a/b/c', '../models/sd15', '.cache/sd15', 'models/sd15.safetensors', 'a b/c', 'models/v1-5.ckpt'])(
    'is named alone where it is a path: %s',
    (name) => expect(missingFile('model', name)).toBe(`There is no model at ${name}.`),
  );
});
