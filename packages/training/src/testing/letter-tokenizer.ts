import type { HostTensor } from '@controllab/tfjs-onnx';

/** A tokenizer for tests: the first `length` letters of each prompt by their codes. */
export default function lettersOf({ length }: { length: number }): (prompts: readonly string[]) => Record<string, HostTensor> {
  return (prompts) => ({
    ids: {
      data: Int32Array.from({ length: prompts.length * length }, (_, i) => prompts[Math.floor(i / length)]!.charCodeAt(i % length) || 0),
      shape: [prompts.length, length],
    },
  });
}
