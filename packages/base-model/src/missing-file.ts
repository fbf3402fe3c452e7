import path from 'node:path';

/** A repository on the Hugging Face Hub, `owner/name`; no name that begins with a dot is one. */
const HUB_NAME = /^\w[\w.-]*\/\w[\w.-]*$/;
/** What names a single file of weights, and no repository. */
const WEIGHTS = /\.(safetensors|ckpt|pt|pth|bin)$/i;

/**
 * What to say of a model or a part of one that is not where it was said to be. Where it was named as the Hub names its repositories, with
 * the command that gets it: diffusers downloads what it is given by such a name.
 * @param what "model"
 * @param file as typed, or absolute from the working directory
 */
export function missingFile(what: string, file: string): string {
  const typed = path.relative('', file);
  const name = typed.split('/').at(-1);
  const advice =
    HUB_NAME.test(typed) && !WEIGHTS.test(typed)
      ? ` If ${typed} is a name on the Hugging Face Hub: nothing is downloaded here. Get it with "hf download ${typed} --local-dir ${name}" and give that folder, ${name}.`
      : '';
  return `There is no ${what} at ${file}.${advice}`;
}
