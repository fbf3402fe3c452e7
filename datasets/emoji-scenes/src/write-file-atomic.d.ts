declare module 'write-file-atomic' {
  /** Writes to a temporary name beside `file`, syncs and renames. */
  export default function writeFileAtomic(file: string, data: string | Uint8Array): Promise<void>;
}
