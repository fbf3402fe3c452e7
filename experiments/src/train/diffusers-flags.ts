/** Flags of diffusers' train_controlnet.py, and what `train` has in their place. */
interface DiffusersFlags {
  readonly theirs: readonly string[];
  /** A flag of ours, or the same; null where there is none. */
  readonly here: string | null;
  /** What is other than there, or why there is none, in Markdown; '' where that is nothing. */
  readonly note: string;
}

/** A flag of the same name, but for its hyphens. */
const THE_SAME = 'the same';

/** Every flag of diffusers' examples/controlnet/train_controlnet.py, in the order of docs/train-flags.md. */
export const diffusersFlags: readonly DiffusersFlags[] = [
  {
    theirs: ['--pretrained_model_name_or_path'],
    here: '--base',
    note: "a folder in diffusers' layout or a single file; nothing is downloaded",
  },
  {
    theirs: ['--controlnet_model_name_or_path'],
    here: '--controlnet-model-name-or-path',
    note: 'also a single file, a released ControlNeXt, or an earlier `--out`, of the same `--method`',
  },
  {
    theirs: ['--tokenizer_name'],
    here: '--base-config',
    note: "the tokenizer is the base's own, or that of the folder of configs beside a single file",
  },
  {
    theirs: ['--revision', '--variant', '--cache_dir'],
    here: null,
    note: 'nothing is downloaded; files of a variant are found in the folder',
  },
  {
    theirs: ['--dataset_name', '--train_data_dir'],
    here: '--data',
    note: 'folder, imagefolder, CSV, JSON lines, parquet, webdataset, zip, tar',
  },
  { theirs: ['--dataset_config_name'], here: null, note: 'name the files themselves' },
  {
    theirs: ['--image_column', '--caption_column', '--conditioning_image_column'],
    here: THE_SAME,
    note: 'found by their usual names if not given; the last with `--control column`. A caption is one text that is not empty: lists of captions are refused, and rows without one stop the run (`--on-bad-row skip`, `--captions none`)',
  },
  { theirs: ['--max_train_samples'], here: THE_SAME, note: 'the first so many, not a random choice' },
  { theirs: ['--resolution'], here: THE_SAME, note: "by default the base's own, where diffusers' is 512" },
  { theirs: ['--proportion_empty_prompts'], here: THE_SAME, note: '' },
  { theirs: ['--output_dir'], here: '--out', note: '' },
  { theirs: ['--seed'], here: THE_SAME, note: '1 if not given: a training is always repeatable' },
  { theirs: ['--train_batch_size', '--gradient_accumulation_steps', '--gradient_checkpointing'], here: THE_SAME, note: '' },
  { theirs: ['--num_train_epochs', '--max_train_steps'], here: THE_SAME, note: 'one of the two' },
  {
    theirs: ['--learning_rate', '--lr_scheduler', '--lr_warmup_steps', '--lr_num_cycles', '--lr_power'],
    here: THE_SAME,
    note: 'warm-up, cycles and power are refused with a schedule that has none (`constant` has no warm-up), where diffusers ignores them',
  },
  { theirs: ['--scale_lr'], here: null, note: 'give the rate that is meant' },
  { theirs: ['--adam_beta1', '--adam_beta2', '--adam_weight_decay', '--adam_epsilon', '--max_grad_norm'], here: THE_SAME, note: '' },
  { theirs: ['--use_8bit_adam'], here: null, note: 'AdamW in float32' },
  { theirs: ['--mixed_precision', '--allow_tf32'], here: null, note: 'training is in float32; `--save-dtype F16` halves what is stored' },
  { theirs: ['--enable_xformers_memory_efficient_attention', '--set_grads_to_none'], here: null, note: 'the step is one compiled graph' },
  {
    theirs: ['--dataloader_num_workers'],
    here: null,
    note: 'batches are made in a thread beside the training; the log says how long it waits for them',
  },
  { theirs: ['--checkpointing_steps'], here: THE_SAME, note: '' },
  { theirs: ['--checkpoints_total_limit'], here: THE_SAME, note: '2 where diffusers keeps all' },
  {
    theirs: ['--resume_from_checkpoint'],
    here: null,
    note: 'the same command goes on from its newest whole checkpoint, to the same bytes',
  },
  {
    theirs: ['--validation_prompt', '--validation_image'],
    here: THE_SAME,
    note: 'given once for each; by default captions and pictures of the data. With `--control canny`, `command` or `onnx` the picture, of which the condition is made',
  },
  {
    theirs: ['--num_validation_images', '--validation_steps'],
    here: THE_SAME,
    note: 'one picture where diffusers draws four; `--no-validation` draws none',
  },
  {
    theirs: ['--report_to', '--logging_dir', '--tracker_project_name'],
    here: null,
    note: "TensorBoard's events and a page are always written, below `--out`",
  },
  {
    theirs: ['--push_to_hub', '--hub_token', '--hub_model_id'],
    here: null,
    note: '`--out` is a model folder with its card, ready to be uploaded',
  },
];

/** With `-` where diffusers has `_`, as all names are here. */
const hyphened = (flag: string): string => flag.replaceAll('_', '-');

/** The flags that stand for those of a row here. */
export const ownFlags = ({ theirs, here }: DiffusersFlags): string[] =>
  here === null ? [] : here === THE_SAME ? theirs.map(hyphened) : [here];

const code = (flag: string): string => `\`${flag}\``;

/** The table of docs/train-flags.md. */
export const flagsTable = (): string =>
  [
    '| diffusers | here | |',
    '| --- | --- | --- |',
    ...diffusersFlags.map(({ theirs, here, note }) => {
      const ours = here === null ? 'none' : here === THE_SAME ? here : code(here);
      return `| ${theirs.map(code).join(', ')} | ${ours} |${note === '' ? '' : ` ${note}`} |`;
    }),
  ].join('\n');

/** The row of a flag of diffusers, by its name with hyphens, and its note behind a colon, as plain text. */
function rowOf(name: string): { row: DiffusersFlags; note: string } | null {
  const row = diffusersFlags.find(({ theirs }) => theirs.some((one) => hyphened(one) === name));
  return row === undefined ? null : { row, note: row.note === '' ? '' : `: ${row.note.replaceAll('`', '')}` };
}

const NONE_HERE = ': diffusers has it, there is none here';

/**
 * What is said of a flag that `train` does not have, behind its name: what stands for it here where it is one of diffusers', else what is
 * nearest.
 * @param nearest commander's question after the nearest flags, '' where none is near
 * @param own the flags of `train`
 */
export function explainFlag(flag: string, nearest: string, own: readonly string[]): string {
  const name = hyphened(flag);
  const found = rowOf(name);
  let said = nearest === '' ? '.' : ` ${nearest}`;
  if (own.includes(name)) said = `: it is ${name} here, with hyphens.`;
  else if (found !== null) said = found.row.here === null ? `${NONE_HERE}${found.note}.` : `: it is ${found.row.here} here${found.note}.`;
  return `${said} See docs/train-flags.md, or --help for all flags.`;
}

/**
 * What stands here for a key of a config file that `train` does not have; '' for one that is none of diffusers' flags.
 * @param key as a flag of diffusers (`output_dir`, `output-dir`), or in camel case
 */
export function explainKey(key: string): string {
  const name = hyphened(`--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  const found = rowOf(name);
  if (found === null) return '';
  const { row, note } = found;
  if (row.here === null) return `${NONE_HERE}${note}`;
  const own = (row.here === THE_SAME ? name : row.here).slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return `: it is "${own}" here${note}`;
}
