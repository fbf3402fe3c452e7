import * as tf from '@tensorflow/tfjs';
import { Linear, Module } from '@controllab/core-blocks';
import { nn } from '@controllab/tfjs-onnx';
import { InceptionA, InceptionB, InceptionC, InceptionD, InceptionE } from './blocks.ts';
import { BasicConv2d } from './layers.ts';

/** Width of the features. */
export const FEATURES = 2048;
/** Classes of the original network: ImageNet's 1000 and some that are unused. */
export const CLASSES = 1008;

/**
 * The network behind FID: Inception v3 as TensorFlow released it on 2015-12-05, with the parameter names of its conversion to
 * PyTorch (`pt_inception-2015-12-05`, pytorch-fid), which are torchvision's. Against torchvision's `inception_v3`: average pooling
 * leaves out the padding, the last block pools by the maximum, 1008 classes, no auxiliary head, inputs in [-1, 1].
 */
export class FidInception extends Module {
  Conv2d_1a_3x3 = new BasicConv2d(3, 32, { kernel: 3, stride: 2 });
  Conv2d_2a_3x3 = new BasicConv2d(32, 32, { kernel: 3 });
  Conv2d_2b_3x3 = new BasicConv2d(32, 64, { kernel: 3, padding: 1 });
  Conv2d_3b_1x1 = new BasicConv2d(64, 80);
  Conv2d_4a_3x3 = new BasicConv2d(80, 192, { kernel: 3 });
  Mixed_5b = new InceptionA(192, 32);
  Mixed_5c = new InceptionA(256, 64);
  Mixed_5d = new InceptionA(288, 64);
  Mixed_6a = new InceptionB(288);
  Mixed_6b = new InceptionC(768, 128);
  Mixed_6c = new InceptionC(768, 160);
  Mixed_6d = new InceptionC(768, 160);
  Mixed_6e = new InceptionC(768, 192);
  Mixed_7a = new InceptionD(768);
  Mixed_7b = new InceptionE(1280, 'average');
  Mixed_7c = new InceptionE(FEATURES, 'max');
  fc = new Linear(FEATURES, CLASSES);

  /** Pooled features `[N, 2048]` of images `x: [N, 3, 299, 299]` in [-1, 1]. */
  forward(x: tf.Tensor): tf.Tensor {
    let h = this.Conv2d_2b_3x3.forward(this.Conv2d_2a_3x3.forward(this.Conv2d_1a_3x3.forward(x)));
    h = nn.maxPool2d(h, 3, { stride: 2 });
    h = this.Conv2d_4a_3x3.forward(this.Conv2d_3b_1x1.forward(h));
    h = nn.maxPool2d(h, 3, { stride: 2 });
    for (const block of [
      this.Mixed_5b,
      this.Mixed_5c,
      this.Mixed_5d,
      this.Mixed_6a,
      this.Mixed_6b,
      this.Mixed_6c,
      this.Mixed_6d,
      this.Mixed_6e,
      this.Mixed_7a,
      this.Mixed_7b,
      this.Mixed_7c,
    ])
      h = block.forward(h);
    return tf.mean(h, [2, 3]);
  }
}
