import ort from 'onnxruntime-node';
import { fileHash, resample, type RgbImage } from '@controllab/data';
import { refuse, type Extractor } from './extractor.ts';

type Metadata = ort.InferenceSession.ValueMetadata;

/** What a model takes or gives: pictures [1, 3, H, W], floats from 0 to 1 or bytes; null for a side that it leaves open. */
interface PictureTensor {
  readonly name: string;
  readonly type: 'float32' | 'uint8';
  readonly height: number | null;
  readonly width: number | null;
}

const sideOf = (size: number | string | undefined): number | null => (typeof size === 'number' && size > 0 ? size : null);

const described = (value: Metadata): string =>
  value.isTensor ? `${value.name}: ${value.type} [${value.shape.join(', ')}]` : `${value.name}: no tensor`;

/** One tensor of three channels, or nothing else. */
function pictureTensor(values: readonly Metadata[], what: 'takes' | 'gives', fail: (why: string) => Error): PictureTensor {
  const [value] = values;
  if (values.length !== 1 || value === undefined)
    throw fail(`it ${what} ${values.length} tensors (${values.map(described).join('; ')}), where one picture is expected`);
  const isPicture = value.isTensor && value.shape.length === 4 && (sideOf(value.shape[0]) ?? 1) === 1 && sideOf(value.shape[1]) === 3;
  if (!isPicture || (value.type !== 'float32' && value.type !== 'uint8'))
    throw fail(`it ${what} ${described(value)}, where a picture of three channels is expected: float32 or uint8 [1, 3, H, W]`);
  return { name: value.name, type: value.type, height: sideOf(value.shape[2]), width: sideOf(value.shape[3]) };
}

/** [H, W, 3] bytes as [1, 3, H, W]. */
function planes({ rgb, width, height }: RgbImage, type: PictureTensor['type']): ort.Tensor {
  const pixels = width * height;
  const at = (i: number): number => rgb[(i % pixels) * 3 + Math.floor(i / pixels)]!;
  const shape = [1, 3, height, width];
  return type === 'uint8'
    ? new ort.Tensor(
        'uint8',
        Uint8Array.from({ length: 3 * pixels }, (_, i) => at(i)),
        shape,
      )
    : new ort.Tensor(
        'float32',
        Float32Array.from({ length: 3 * pixels }, (_, i) => at(i) / 255),
        shape,
      );
}

function picture({ data, dims, type }: ort.Tensor): RgbImage {
  const [height, width] = [dims[2]!, dims[3]!];
  const pixels = width * height;
  const scale = type === 'uint8' ? 1 : 255;
  const rgb = new Uint8ClampedArray(3 * pixels);
  for (let i = 0; i < rgb.length; i++) rgb[i] = Number(data[(i % 3) * pixels + Math.floor(i / 3)]!) * scale;
  return { rgb: new Uint8Array(rgb.buffer), width, height };
}

const sized = (image: RgbImage, to: { width: number; height: number }): RgbImage =>
  image.width === to.width && image.height === to.height ? image : { ...to, rgb: resample(image.rgb, image, to, 'bilinear') };

/**
 * An ONNX model from a picture to a picture: [1, 3, H, W], floats from 0 to 1 or bytes, red first. A model of a fixed size is given the
 * picture at that size, and what it makes is brought back to the picture's.
 * @throws ExperimentError invalid-option for a model of anything else
 */
export async function modelExtractor(file: string, { threads }: { threads?: number | undefined }): Promise<Extractor> {
  const fail = (why: string, cause?: unknown) => refuse(`--condition-model ${file}: ${why}.`, { file }, cause);
  const options = { logSeverityLevel: 3, ...(threads === undefined ? {} : { intraOpNumThreads: threads }) } as const;
  const session = await ort.InferenceSession.create(file, options).catch((error: Error) => {
    throw fail(`cannot be opened: ${error.message.trim()}`, error);
  });
  const input = pictureTensor(session.inputMetadata, 'takes', fail);
  const output = pictureTensor(session.outputMetadata, 'gives', fail);
  return {
    label: 'what a model makes of pictures',
    identity: { onnx: await fileHash(file) },
    async extract(image) {
      const asked = { width: input.width ?? image.width, height: input.height ?? image.height };
      const results = await session.run({ [input.name]: planes(sized(image, asked), input.type) }).catch((error: Error) => {
        throw fail(`it fails on ${asked.width} x ${asked.height} pixels: ${error.message.trim()}`, error);
      });
      const made = results[output.name]!;
      if (made.dims.length !== 4 || made.dims[1] !== 3) throw fail(`it made a tensor [${made.dims.join(', ')}] of a picture`);
      if (made.type === 'float32' && !(made.data as Float32Array).every(Number.isFinite)) throw fail('it made values that are not finite');
      return sized(picture(made), { width: image.width, height: image.height });
    },
    release: () => session.release(),
  };
}
