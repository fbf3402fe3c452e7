/**
 * Which parameters of the base model train beside the control module, by name. Source: the released training scripts.
 * - `sd15`: output projections of self- and cross-attention: 64 tensors, 24,805,760 parameters.
 * - `sdxl`: output projections of cross-attention only: 140 tensors, 102,483,200.
 * - `svd`: output projections of spatial and temporal attention: 128 tensors, 49,611,520; this gives the paper's 55M. The released
 *   script trains everything (`if True`).
 * - `svdOutAndValue`: the choice that this script carries as a comment: 99,951,360.
 */
export const TRAINABLE_PATTERNS = { sd15: /to_out/, sdxl: /attn2.*to_out/, svd: /to_out/, svdOutAndValue: /to_out|to_v/ } as const;
