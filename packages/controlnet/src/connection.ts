import { Conv2d, ZERO_INIT, type LayerInit } from '@controllab/core-blocks';

/**
 * How the convolutions that tie a control network to the U-Net begin.
 * - `zero`: zero convolutions, the method (ControlNet, ICCV 2023, section 3.1).
 * - `gaussian`: the paper's ablation (section 4.2 and figure 8, "standard convolution layers initialized with Gaussian weights").
 *   The paper gives no standard deviation; ours is N(0, 1/fan_in) with zero biases, which keeps the variance of the features.
 */
export type Connection = 'zero' | 'gaussian';

function initOf(connection: Connection, fanIn: number): LayerInit {
  return connection === 'zero' ? ZERO_INIT : { weight: { normal: 1 / Math.sqrt(fanIn) }, bias: 'zeros' };
}

/** A connecting convolution; the ablation replaces all of them, the hint encoder's last one too. */
export function connectingConv(connection: Connection, inChannels: number, outChannels: number, kernelSize: number): Conv2d {
  return new Conv2d(inChannels, outChannels, kernelSize, {
    padding: (kernelSize - 1) / 2,
    init: initOf(connection, inChannels * kernelSize * kernelSize),
  });
}
