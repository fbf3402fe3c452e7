import { ldmBlockName } from '@controllab/core-blocks';

/** A U-Net's parameter under the name that LDM's code has for it, told from the names of all of its parameters. */
export function ldmNames(names: Iterable<string>): (name: string) => string {
  const all = new Set(names);
  const count = (pattern: RegExp): number => [...all].filter((name) => pattern.test(name)).length;
  const levels = count(/^up_blocks\.\d+\.resnets\.0\.conv1\.weight$/);
  const config = {
    layers_per_block: count(/^down_blocks\.0\.resnets\.\d+\.conv1\.weight$/),
    up_block_types: Array.from({ length: levels }, (_, i) =>
      all.has(`up_blocks.${i}.attentions.0.norm.weight`) ? 'CrossAttnUpBlock2D' : 'UpBlock2D',
    ),
  };
  return (name) => ldmBlockName(name, config);
}
