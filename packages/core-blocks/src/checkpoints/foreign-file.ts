/**
 * How to make a safetensors file of a pickled one, for messages. Checkpoints of a training hold more than tensors, and safetensors takes no
 * two that share memory.
 */
const CONVERT =
  'take the .safetensors that is published of the same model, or convert it in Python, for a file that you trust: ' +
  'import torch, safetensors.torch; d = torch.load(FILE, map_location="cpu", weights_only=True); d = d.get("state_dict", d); ' +
  'safetensors.torch.save_file({k: v.contiguous().clone() for k, v in d.items() if isinstance(v, torch.Tensor)}, NEW_FILE). ' +
  'Where torch.load refuses it ("Unsupported global", as of the first Stable Diffusion files), only the published .safetensors is safe to use';

const starts = (text: string) => (bytes: Buffer) => bytes.toString('latin1').startsWith(text);

/** Files that are taken for weights, by how they begin. */
const FOREIGN: readonly (readonly [begins: (bytes: Buffer) => boolean, what: string])[] = [
  [(bytes) => bytes.length === 0, 'is empty: the download or copy that made it failed'],
  [
    starts('version https://git-lfs'),
    'is a Git LFS pointer, not the file it points to: run "git lfs install" and "git lfs pull" in the folder it was cloned to',
  ],
  [
    starts('PK\x03\x04'),
    `is a zip archive, the format of PyTorch's pickled files (.ckpt, .pt, .pth, .bin), which can run code when they are opened; ${CONVERT}`,
  ],
  [
    (bytes) => bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5,
    `is a pickle, as PyTorch before 1.6 wrote them (.ckpt, .pt, .pth, .bin), which can run code when it is opened; ${CONVERT}`,
  ],
  [(bytes) => /^(\x89PNG|\xff\xd8\xff|GIF8)/.test(bytes.toString('latin1')), 'is a picture'],
  [starts('GGUF'), 'is a GGUF file, whose numbers are quantised: use the safetensors file of the same model'],
  [starts('\x89HDF'), "is an HDF5 file, as Keras writes them: use the model's safetensors file"],
  [
    (bytes) => /^\s*<(!doctype|html|\?xml)/i.test(bytes.toString('latin1')),
    'is a web page, saved in place of the file: the download needs a login or another address',
  ],
];

/** Bytes that {@link foreignFile} looks at. */
export const FOREIGN_BYTES = 64;

/**
 * What a file is that was taken for weights, with what to do: a sentence's end behind the file's name. Null for what it does not know.
 * @param start its first {@link FOREIGN_BYTES} bytes
 */
export function foreignFile(start: Buffer): string | null {
  return FOREIGN.find(([begins]) => begins(start))?.[1] ?? null;
}
