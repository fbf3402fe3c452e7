import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { canny, checkIndex, DataError, decodeImage, greyImage, jsonHash, openImageSource, pixelHash, type Dataset } from '@controllab/data';

/** The pictures of a folder, their file names as captions, their Canny edges as the condition. */
export default async function openFolder(folder: string): Promise<Dataset> {
  const names = (await openImageSource(folder)).names ?? [];
  const read = async (name: string) => decodeImage(await readFile(path.join(folder, name)), name);
  const pixels = await Promise.all(names.map(async (name) => pixelHash(await read(name))));
  const [id, length, conditions] = [path.basename(folder), names.length, ['canny']];
  const hash = jsonHash({ names, pixels, conditions });
  return {
    ...{ id, hash, length, conditions, reference: { module: import.meta.url, data: folder } },
    async example(index) {
      checkIndex({ id, length }, index);
      const image = await read(names[index]!);
      const condition = (wanted: string) => {
        if (wanted !== 'canny') throw new DataError('invalid-dataset', `${id} has no condition "${wanted}"; it has canny`);
        return greyImage(canny(image.rgb, image.width, image.height), image);
      };
      return { image, captions: { caption: path.parse(names[index]!).name.replaceAll('-', ' ') }, condition };
    },
  };
}
