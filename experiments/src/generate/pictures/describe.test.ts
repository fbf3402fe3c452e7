import { parseFlags } from '@controllab/command-line';
import { openMini } from '@controllab/mini-sd';
import { describe, expect, it } from 'vitest';
import { generateFlags, generateOptions, type GenerateFlags } from '../options.ts';
import { describePicture } from './describe.ts';

/** A1111's `parse_generation_parameters` (modules/infotext_utils.py), rule by rule. */
function parseAsA1111(text: string): { prompt: string; negative: string; fields: Record<string, string> } {
  const parameter = /\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/g;
  const lines = text.trim().split('\n');
  let last = lines.pop()!;
  if ([...last.matchAll(parameter)].length < 3) {
    lines.push(last);
    last = '';
  }
  const [prompt, negative]: [string[], string[]] = [[], []];
  let done = false;
  for (let line of lines.map((one) => one.trim())) {
    if (line.startsWith('Negative prompt:')) {
      done = true;
      line = line.slice('Negative prompt:'.length).trim();
    }
    (done ? negative : prompt).push(line);
  }
  const fields = Object.fromEntries(
    [...last.matchAll(parameter)].map(([, name, value]) => [name!, value!.startsWith('"') ? (JSON.parse(value!) as string) : value!]),
  );
  return { prompt: prompt.join('\n'), negative: negative.join('\n'), fields };
}

function describedBy(...argv: string[]) {
  const options = generateOptions(parseFlags<GenerateFlags>(generateFlags(), argv));
  const [prompt] = options.prompts;
  const drawn = { options, base: openMini(), size: { width: 64, height: 32 }, loras: options.loras };
  const conditions = options.controls.map(({ condition }) => condition!);
  return describePicture(drawn, { prompt: prompt!, negativePrompt: options.negativePrompt, seed: 7, conditions });
}

describe("A1111's text of a picture", () => {
  it('is read by its rules as it was meant', () => {
    const { parameters } = describedBy(
      ...[
        '--model',
        'models/a, b: "c".safetensors',
        '--prompt',
        'a (cat:1.3), "red": 5\nSteps: 3, on a mat',
        '--negative-prompt',
        'dog\nx: y',
      ],
      ...[
        '--controlnet',
        'nets/canny, v1',
        '--condition',
        'c.png',
        '--extractor',
        'canny',
        '--control-start',
        '0.1',
        '--control-end',
        '0.6',
      ],
      ...[
        '--sampler',
        'dpm++2m',
        '--karras',
        '--guidance',
        '7',
        '--guidance-rescale',
        '0.5',
        '--lora',
        'l/ink.safetensors:0.8',
        '--lora',
        'oil',
        '--guess-mode',
      ],
    );
    expect(parseAsA1111(parameters)).toEqual({
      prompt: 'a (cat:1.3), "red": 5\nSteps: 3, on a mat',
      negative: 'dog\nx: y',
      fields: {
        Steps: '20',
        Sampler: 'DPM++ 2M',
        'Schedule type': 'Karras',
        'CFG scale': '7',
        Seed: '7',
        Size: '64x32',
        Model: 'a, b: "c"',
        'CFG rescale': '0.5',
        Loras: 'ink: 0.8, oil: 1',
        'ControlNet 0':
          'Module: canny, Model: canny_ v1, Weight: 1, Resize Mode: Just Resize, Threshold A: 100, Threshold B: 200, Guidance Start: 0.1, Guidance End: 0.6, Control Mode: ControlNet is more important',
        Version: 'controllab',
      },
    });
  });

  it('names the solver, and the steps of one that has two, as A1111 does', () => {
    const named = (...argv: string[]) => parseAsA1111(describedBy('--prompt', 'x', ...argv).parameters).fields['Sampler'];
    expect([named('--sampler', 'euler-a'), named('--sampler', 'heun'), named('--sampler', 'pndm')]).toEqual(['Euler a', 'Heun', 'PNDM']);
  });

  it('names how noise levels lie wherever a solver has a choice: silence is what A1111 thinks best', () => {
    const type = (...argv: string[]) => parseAsA1111(describedBy('--prompt', 'x', ...argv).parameters).fields['Schedule type'];
    expect([type('--sampler', 'dpm++2m'), type('--sampler', 'euler', '--karras'), type('--sampler', 'ddim')]).toEqual([
      'Uniform',
      'Karras',
      undefined,
    ]);
  });

  it('escapes what was drawn as letters', () => {
    const { prompt, negative } = parseAsA1111(
      describedBy('--prompt', 'a (cat) [x]', '--negative-prompt', '(b', '--prompt-syntax', 'plain').parameters,
    );
    expect([prompt, negative]).toEqual(['a \\(cat\\) \\[x\\]', '\\(b']);
  });

  it('begins with the settings where there is no prompt', () => {
    const { prompt, negative, fields } = parseAsA1111(describedBy('--prompt', '').parameters);
    expect([prompt, negative, fields['Steps'], fields['Model']]).toEqual(['', '', '20', 'mini']);
  });
});
