import { ldmBlockName, type BlockLayout, type Layout } from '@controllab/core-blocks';

/** What of a ControlNet's config decides the names. */
export interface CldmConfig extends BlockLayout {
  conditioning_embedding_out_channels?: readonly number[];
}

/** Layers of the hint encoder in front of its last convolution: one SiLU between each two, which LDM's Sequential counts. */
const hintLayer = (convolution: number): string => `input_hint_block.${2 * convolution}`;

/**
 * ControlNet in its original layout (lllyasviel/ControlNet, module `cldm`): LDM's blocks, the hint encoder and the zero convolutions.
 * `config`: diffusers' keys.
 */
export function cldm(config: CldmConfig): Layout {
  const blocks = 2 * ((config.conditioning_embedding_out_channels ?? [16, 32, 96, 256]).length - 1);
  const places: readonly (readonly [RegExp, (index: string) => string])[] = [
    [/^controlnet_cond_embedding\.conv_in(?=\.)/, () => hintLayer(0)],
    [/^controlnet_cond_embedding\.blocks\.(\d+)(?=\.)/, (index) => hintLayer(1 + Number(index))],
    [/^controlnet_cond_embedding\.conv_out(?=\.)/, () => hintLayer(1 + blocks)],
    [/^controlnet_down_blocks\.(\d+)(?=\.)/, (index) => `zero_convs.${index}.0`],
    [/^controlnet_mid_block(?=\.)/, () => 'middle_block_out.0'],
  ];
  return {
    prefix: 'control_model.',
    stored: (name) => {
      const [pattern, place] = places.find(([own]) => own.test(name)) ?? [];
      return { name: pattern ? name.replace(pattern, (_, index: string) => place!(index)) : ldmBlockName(name, config) };
    },
  };
}
