import { compile, matmulCeiling, nn, type HostTensor, type Provider } from '@controllab/tfjs-onnx';
import { round } from './statistics.ts';

/** GFLOPS that something reaches at most: in square products, and in 3 x 3 convolutions of 16 pictures of 32 x 32, 128 channels to 128. */
export interface Ceiling {
  matmul: number;
  convolution: number;
}

/** peer_program.py has the same convolution. */
const CONVOLUTION = { batch: 16, channels: 128, size: 32 };
/** Several in a row, so that copying the result out does not count. */
const CHAIN = 4;

/** GFLOPS of the fastest of `repeats` runs of 3 x 3 convolutions in ONNX Runtime, with constant weights, which it packs once. */
async function convolutionCeiling(options: { threads: number; repeats: number; provider: Provider }): Promise<number> {
  const { threads, repeats, provider } = options;
  const { batch, channels, size } = CONVOLUTION;
  const filled = (shape: number[], scale: number): HostTensor => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => scale * Math.sin(i * i + 1));
    return { data, shape };
  };
  const image = { shape: [batch, channels, size, size] };
  const convolve = await compile(
    ({ inputs, constants: { w } }) => {
      let y = inputs['x']!;
      for (let i = 0; i < CHAIN; i++) y = nn.conv2d(y, w!, null, { padding: 1 });
      return { outputs: { y } };
    },
    { inputs: { x: image }, constants: { w: filled([channels, channels, 3, 3], (9 * channels) ** -0.5) } },
    { threads, provider, name: 'convolution' },
  );
  const x = filled(image.shape, 1);
  let best = Infinity;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await convolve.run({ x });
    best = Math.min(best, performance.now() - start);
  }
  await convolve.release();
  return (2 * CHAIN * batch * channels ** 2 * 9 * size ** 2) / best / 1e6;
}

/** What ONNX Runtime reaches: the best product of the sizes, and the best convolution. @param quick one small product: measures nothing */
export async function ownCeiling({ threads, provider, quick }: { threads: number; provider: Provider; quick: boolean }): Promise<Ceiling> {
  const repeats = quick ? 2 : 10;
  const products: number[] = [];
  for (const n of quick ? [128] : [1024, 2048]) products.push(await matmulCeiling(n, { threads, repeats, provider }));
  return { matmul: round(Math.max(...products)), convolution: round(await convolutionCeiling({ threads, repeats, provider })) };
}

/** The best of each, by whom. */
export function bestCeiling(ceilings: readonly { name: string; ceiling: Ceiling }[]) {
  const best = (kind: keyof Ceiling) => {
    const { name, ceiling } = ceilings.reduce((a, b) => (b.ceiling[kind] > a.ceiling[kind] ? b : a));
    return { gflops: ceiling[kind], by: name };
  };
  const [matmul, convolution] = [best('matmul'), best('convolution')];
  return { gflops: Math.max(matmul.gflops, convolution.gflops), matmul, convolution };
}
