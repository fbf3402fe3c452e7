import * as data from '@controllab/data';
import { MetricsError } from '../errors.ts';

/** sha256 of a file's bytes, in hexadecimal. @throws MetricsError invalid-file when it cannot be read */
export const fileHash = (file: string): Promise<string> =>
  data.fileHash(file).catch((error: Error) => {
    throw new MetricsError('invalid-file', `cannot read ${file}: ${error.message}`, { file });
  });
