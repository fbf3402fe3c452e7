import type { Dataset, Example, RgbImage } from '@controllab/data';

/** A dataset of `length` plain grey pictures of one side in pixels, each its own grey, with the picture itself as the condition `grey`. */
export default function greyPictures({ length, side }: { length: number; side: number }): Dataset {
  const example = (index: number): Example => {
    const image: RgbImage = { rgb: new Uint8Array(side * side * 3).fill((index * 53) % 256), width: side, height: side };
    return { image, captions: { caption: index % 2 === 0 ? 'a cat' : 'a dog' }, condition: () => image };
  };
  return {
    id: 'grey pictures',
    hash: `${length} of ${side}`,
    length,
    conditions: ['grey'],
    reference: { module: import.meta.url, data: { length, side } },
    example: async (index) => example(index),
  };
}
