import { parquetWriteBuffer } from 'hyparquet-writer';

// Parquet tables for tests and the fuzzer.

type SchemaElement = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>[number];

const element = (name: string, more: object): SchemaElement => ({ name, repetition_type: 'OPTIONAL', ...more });
const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
const pictureElements = (name: string): SchemaElement[] => [
  element(name, { num_children: 2 }),
  element('bytes', { type: 'BYTE_ARRAY' }),
  element('path', TEXT),
];

export interface PictureRow {
  readonly image: Uint8Array;
  readonly condition: Uint8Array;
  readonly text: string;
}

/** A table as Hugging Face writes it: `{ image, conditioning_image, text }`, pictures as `{ bytes, path }`. */
export const pictureTable = (rows: readonly PictureRow[], rowGroupSize: number): Buffer =>
  Buffer.from(
    parquetWriteBuffer({
      schema: [
        { name: 'root', num_children: 3 },
        ...pictureElements('image'),
        ...pictureElements('conditioning_image'),
        element('text', TEXT),
      ],
      columnData: [
        { name: 'image', data: rows.map(({ image }, i) => ({ bytes: image, path: `${i}.png` })) },
        { name: 'conditioning_image', data: rows.map(({ condition }) => ({ bytes: condition, path: null })) },
        { name: 'text', data: rows.map(({ text }) => text) },
      ],
      rowGroupSize,
    }),
  );
