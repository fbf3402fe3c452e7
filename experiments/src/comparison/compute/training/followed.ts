import { encodePng } from '@controllab/report';
import type { Measured } from '../judging/measured.ts';
import { conditionFidelity, type Measure } from '../judging/measures.ts';

/** A measure of pictures that all have a value. */
export const everyPicture = async (measure: Measure, measured: Measured): Promise<number[]> =>
  (await measure.of(measured)).map((value) => value!);

/** What an evaluation logs of the pictures that follow a training: fidelity of each, its mean, and the first picture as a PNG in base64. */
export async function followedPictures(measured: Measured): Promise<{ fidelity: number; perImage: number[]; picture: string }> {
  const perImage = await everyPicture(conditionFidelity, measured);
  const [first] = measured.images;
  const picture = Buffer.from(await encodePng(first!.rgb, first!.width, first!.height)).toString('base64');
  return { fidelity: perImage.reduce((a, b) => a + b, 0) / perImage.length, perImage, picture };
}
