import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Command } from 'commander';
import { parseFlags, workspaceRoot } from '@controllab/command-line';
import { checkRecipe } from '@controllab/training';
import { applyConfigFile, configText } from './config-file.ts';
import { diffusersFlags, flagsTable, ownFlags } from './diffusers-flags.ts';
import { trainFlags, type TrainFlags } from './flags.ts';
import { recipeOf, trainSettings, warmupWarning } from './settings.ts';

let root: string;
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'flags-'))));
afterAll(() => rmSync(root, { recursive: true }));

const parsed = (argv: readonly string[]): Command => {
  const command = trainFlags();
  parseFlags(command, argv);
  return command;
};
const settings = (...argv: string[]) => trainSettings(parsed(['--data=x', '--out=y', ...argv]).opts<TrainFlags>());
const withFile = async (config: unknown, ...argv: string[]): Promise<Command> => {
  const file = path.join(root, 'train.json');
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  const command = parsed(argv);
  applyConfigFile(command, file, 'train.json');
  return command;
};

describe('flags', () => {
  it('are those that docs/train-flags.md sets beside diffusers’', () => {
    const page = readFileSync(path.join(workspaceRoot, 'docs', 'train-flags.md'), 'utf8');
    const own = new Set(trainFlags().options.map(({ long }) => long!));
    expect(page.split('\n\n').find((block) => block.startsWith('|'))).toBe(flagsTable());
    const here = diffusersFlags.flatMap(ownFlags);
    expect(here.length).toBeGreaterThan(25);
    expect(here.filter((flag) => !own.has(flag))).toEqual([]);
    const words = [...page.matchAll(/`(--[\w-]+)/g)].map(([, flag]) => flag!);
    const diffusers = diffusersFlags.flatMap(({ theirs }) => theirs);
    expect(words.filter((flag) => !own.has(flag) && !diffusers.includes(flag))).toEqual([]);
  });

  it("have diffusers' names and defaults", () => {
    expect(settings()).toMatchObject({
      trainBatchSize: 4, gradientAccumulationSteps: 1, learningRate: 5e-6, lrScheduler: 'constant', lrWarmupSteps: 500, lrNumCycles: 1,
      lrPower: 1, adamBeta1: 0.9, adamBeta2: 0.999, adamWeightDecay: 0.01, adamEpsilon: 1e-8, maxGradNorm: 1, proportionEmptyPrompts: 0,
      validationSteps: 100, checkpointingSteps: 500,
    }); // prettier-ignore
  });

  it.each([
    [['--max-train-steps=5', '--num-train-epochs=2'], /not both/],
    [['--validation-prompt=a'], /go together/],
    [
      ['--validation-prompt=a', '--validation-prompt=b', '--validation-image=c', '--validation-image=d', '--validation-image=e'],
      /as many of each/,
    ],
    [['--no-validation', '--validation-prompt=a', '--validation-image=b'], /leave --validation-prompt out/],
    [['--no-validation', '--validation-guidance=3'], /leave --validation-guidance out/],
    [['--no-validation', '--validation-steps=50'], /leave --validation-steps out/],
    [['--no-validation', '--num-validation-images=2'], /leave --num-validation-images out/],
    [['--no-validation', '--validation-inference-steps=5'], /leave --validation-inference-steps out/],
    [['--conditioning-image-column=edges'], /is for --control column/],
    [['--control=command'], /--control command and --condition-command go together/],
    [['--condition-model=x.onnx'], /--control onnx and --condition-model go together/],
    [['--control=command', '--condition-command=edges {in}'], /\{out\} is missing/],
    [['--captions=none', '--caption-column=text'], /reads no --caption-column/],
    [['--captions=none', '--proportion-empty-prompts=0.5'], /leave --proportion-empty-prompts out/],
    [['--method=controlnext', '--export', 'onnx'], /is for ControlNets/],
    [['--method=controlnet-mid', '--export', 'cldm'], /is for ControlNets/],
    [['--lr-warmup-steps=100'], /--lr-scheduler constant has no warm-up: leave --lr-warmup-steps out, or give constant_with_warmup/],
    [['--lr-power=2'], /--lr-power is for --lr-scheduler polynomial/],
    [['--lr-scheduler=cosine', '--lr-num-cycles=3'], /--lr-num-cycles is for --lr-scheduler cosine_with_restarts/],
    [['--save-dtype=F16', '--export', 'onnx'], /--export onnx is written in F32: leave --save-dtype F16 out/],
  ])('that do not go together are refused: %j', (argv, message) => expect(() => settings(...argv)).toThrow(message));

  it.each([
    ['--adam-beta1=1', /--adam-beta1.* Expected a number from 0 to below 1/],
    ['--adam-beta2=1', /--adam-beta2.* Expected a number from 0 to below 1/],
    ['--validation-guidance=0.5', /--validation-guidance.* Expected 0 or 1 for no guidance, or more than 1/],
    ['--learning-rate=2', /--learning-rate.* Expected a number/],
    ['--learning-rate=1', /--learning-rate.* Expected a number between 0 and 1/],
  ])('that no recipe takes are refused at once: %s', (flag, message) => expect(() => parsed([flag])).toThrow(message));

  it.each([
    ['--output_dir', "train: unknown option '--output_dir': it is --out here. See docs/train-flags.md, or --help for all flags."],
    ['--output-dir=o', "train: unknown option '--output-dir': it is --out here. See docs/train-flags.md, or --help for all flags."],
    [
      '--mixed_precision',
      "train: unknown option '--mixed_precision': diffusers has it, there is none here: training is in float32; --save-dtype F16 halves what is stored. See docs/train-flags.md, or --help for all flags.",
    ],
    [
      '--pretrained-model-name-or-path=sd',
      "train: unknown option '--pretrained-model-name-or-path': it is --base here: a folder in diffusers' layout or a single file; nothing is downloaded. See docs/train-flags.md, or --help for all flags.",
    ],
    [
      '--learning_rate',
      "train: unknown option '--learning_rate': it is --learning-rate here, with hyphens. See docs/train-flags.md, or --help for all flags.",
    ],
    [
      '--snr_gamma=5',
      "train: unknown option '--snr_gamma': it is --snr-gamma here, with hyphens. See docs/train-flags.md, or --help for all flags.",
    ],
    ['--resolutoin', "train: unknown option '--resolutoin' (Did you mean --resolution?) See docs/train-flags.md, or --help for all flags."],
    ['--zzz', "train: unknown option '--zzz'. See docs/train-flags.md, or --help for all flags."],
  ])('that are unknown are told what stands for them: %s', (flag, message) => {
    let said = '';
    try {
      parsed([flag, 'x']);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toBe(message);
  });

  it('need data and a folder', () => {
    expect(() => trainSettings(parsed([]).opts<TrainFlags>())).toThrow(/give --data/);
    expect(() => trainSettings(parsed(['--data=x']).opts<TrainFlags>())).toThrow(/give --out/);
  });
});

describe('the recipe', () => {
  it('counts steps by epochs: 10 examples in steps of 4 are 3', () => {
    expect(recipeOf(settings('--train-batch-size=2', '--gradient-accumulation-steps=2', '--num-train-epochs=2'), 10)).toMatchObject({
      batchSize: 2,
      accumulation: 2,
      steps: 6,
    });
    expect(recipeOf(settings('--max-train-steps=7'), 10).steps).toBe(7);
  });

  it('of which all is warm-up is warned of, as it is with the default and few steps', () => {
    const warning = (...argv: string[]) => warmupWarning(recipeOf(settings('--max-train-steps=300', ...argv), 10));
    expect(warning()).toBeNull();
    expect(warning('--lr-scheduler=cosine')).toBe(
      'Warning: of 300 steps all are warm-up (--lr-warmup-steps 500): the learning rate never reaches 0.000005, and cosine never decays.',
    );
    expect(warning('--lr-scheduler=constant_with_warmup', '--lr-warmup-steps=300')).toMatch(/never reaches 0\.000005\.$/);
    expect(warning('--lr-scheduler=cosine', '--lr-warmup-steps=299')).toBeNull();
  });

  it('has every flag, and is one that training takes', () => {
    const recipe = recipeOf(
      settings(
        '--learning-rate=1e-4', '--lr-scheduler=polynomial', '--lr-power=2', '--lr-warmup-steps=10', '--adam-beta1=0.8', '--adam-beta2=0.99',
        '--adam-epsilon=1e-6', '--adam-weight-decay=0', '--max-grad-norm=0', '--snr-gamma=5', '--ema=0.99', '--timesteps=stratified',
      ), 100,
    ); // prettier-ignore
    checkRecipe(recipe);
    expect(recipe).toEqual({
      examples: 100, batchSize: 4, steps: 25, learningRate: 1e-4, warmup: 10, schedule: { diffusers: 'polynomial', power: 2 }, promptDrop: 0,
      timesteps: 'stratified', weightDecay: 0, ema: 0.99, betas: [0.8, 0.99], epsilon: 1e-6, order: 'epochs', snrGamma: 5,
    }); // prettier-ignore
  });
});

describe('a config file', () => {
  it('sets what the command line does not', async () => {
    const command = await withFile({ trainBatchSize: 8, seed: '3', validation: false, learningRate: 1e-4 }, '--seed=9');
    expect(command.opts()).toMatchObject({ trainBatchSize: 8, seed: 9, validation: false, learningRate: 1e-4 });
  });

  it('of every flag may have defaults of what is not done', async () => {
    const text = configText(parsed(['--data=x', '--out=y', '--no-validation']));
    expect(JSON.parse(text)).toMatchObject({ lrScheduler: 'constant', lrWarmupSteps: 500, validation: false, validationSteps: 100 });
    const recipe = recipeOf(trainSettings((await withFile(text)).opts<TrainFlags>()), 10);
    expect([recipe.warmup, recipeOf(settings('--lr-warmup-steps=0'), 10).warmup]).toEqual([0, 0]);
  });

  it('reads back what was saved', async () => {
    const text = configText(
      parsed(['--data=x', '--out=y', '--validation-prompt=a', '--validation-prompt=b', '--validation-image=c', '--export', 'cldm', 'onnx']),
    );
    expect(configText(await withFile(text))).toBe(text);
  });

  it.each<[unknown, RegExp]>([
    ['{', /train\.json cannot be read as an object of flags: .*train\.json/],
    ['[1]', /cannot be read as an object of flags/],
    [`{"base":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, /cannot be read as an object of flags/],
    [{ trainBatchsize: 8 }, /has the unknown key "trainBatchsize"\. Keys: .*trainBatchSize/],
    [{ dryRun: true }, /unknown key "dryRun"/],
    [{ output_dir: 'x' }, /unknown key "output_dir": it is "out" here\. Keys: /],
    [{ train_batch_size: 8 }, /unknown key "train_batch_size": it is "trainBatchSize" here\. Keys: /],
    [{ mixedPrecision: 'fp16' }, /unknown key "mixedPrecision": diffusers has it, there is none here/],
    [{ trainBatchSize: 0 }, /has trainBatchSize 0\. Expected a whole number of at least 1/],
    [{ trainBatchSize: null }, /has trainBatchSize null; expected a text or a number/],
    [{ method: 'lora' }, /has method "lora"\. Allowed choices are controlnet/],
    [{ validation: 'no' }, /has validation "no"; expected true or false/],
    [{ validationPrompt: 'a' }, /has validationPrompt "a"; expected a list/],
    [{ validationPrompt: [1] }, /expected a list of texts/],
    [{ __proto__x: 1 }, /unknown key/],
  ])('is refused by key: %j', async (config, message) => {
    await expect(withFile(config)).rejects.toThrow(message);
  });
});
