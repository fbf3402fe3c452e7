import {
  channelsAt,
  featureStrength,
  initialize,
  type Control,
  type ControlTarget,
  type InjectionPoint,
  type Method,
} from '@controllab/core-blocks';
import { ControlNeXtModel } from '../controlnext.ts';
import type { CrossNormalization } from '../cross-normalization.ts';
import { ControlNeXtError } from '../errors.ts';
import { injectControl } from '../injection.ts';
import { CURRENT, LEGACY, type Recipe } from './recipes.ts';

/** Choices of {@link controlNeXt}; what is left out is the recipe's. */
export interface ControlNeXtChoices {
  /** The modules that the paper's table counts, in place of the current one. */
  readonly legacy?: boolean;
  /** Where on the main branch the features are added. */
  readonly point?: InjectionPoint;
  /** What they are multiplied by. */
  readonly gain?: number;
  /** Which of the U-Net's parameters train with the module, by name. */
  readonly trains?: 'none' | RegExp;
  /**
   * How the features are kept from disturbing the U-Net: cross normalisation as the release does it, with pooling first or alignment first,
   * or as equation 10 prints it (see `CrossNormalization`), or a zero convolution in its place.
   */
  readonly normalization?: 'cross' | 'pool-first' | 'align-first' | 'equation-10' | 'zero-convolution';
}

/** The recipe for a target with the choices in its place. @throws ControlNeXtError invalid-config for a family without one */
function recipeOf({ family }: ControlTarget, { legacy = false, ...choices }: ControlNeXtChoices, label: string): Recipe {
  const recipes = legacy ? LEGACY : CURRENT;
  const recipe = recipes[family];
  if (recipe === undefined) {
    const known = Object.keys(recipes).join(', ');
    throw new ControlNeXtError('invalid-config', `${label} has no recipe for '${family}'; it has for ${known}`, { family });
  }
  const { point, gain, trains, normalization } = choices;
  const zero = normalization === 'zero-convolution';
  return {
    ...recipe,
    module: { ...recipe.module, zero_convolution: zero },
    injection: {
      ...recipe.injection,
      ...(point === undefined ? {} : { point }),
      ...(gain === undefined ? {} : { gain: { factor: gain, sigmoid: false } }),
      normalization: normalizationOf(recipe.injection.normalization, normalization),
    },
    trains: trains === undefined ? recipe.trains : trains === 'none' ? null : trains,
  };
}

/** The paper gives neither; SVD's release has this eps. */
const EQUATION_10 = { kind: 'equation-10', gamma: 1, eps: 1e-5, squareRoot: true } as const satisfies CrossNormalization;

function normalizationOf(released: CrossNormalization, chosen: ControlNeXtChoices['normalization'] = 'cross'): CrossNormalization {
  if (chosen === 'cross') return released;
  if (chosen === 'zero-convolution') return { kind: 'none' };
  if (chosen === 'equation-10') return EQUATION_10;
  const eps = 'eps' in released ? released.eps : EQUATION_10.eps;
  return { kind: 'align', first: chosen === 'pool-first' ? 'pool' : 'align', eps };
}

/** How a choice of normalisation is named; the release's own is not. */
const NORMALIZATION_NAMES = {
  'pool-first': { id: 'pool-first', label: 'pooled, then aligned' },
  'align-first': { id: 'align-first', label: 'aligned, then pooled' },
  'equation-10': { id: 'equation-10', label: 'normalised by equation 10' },
  'zero-convolution': { id: 'zero', label: 'zero convolution' },
} as const;

function controlOf(target: ControlTarget, { module: config, injection, trains, baseRate }: Recipe): Control {
  const module = new ControlNeXtModel({
    ...config,
    final_out_channels: channelsAt(injection.point, target.encoder.block_out_channels),
  });
  return {
    module,
    extraInputs: 0,
    apply: (t, strength = 1) => ({
      inject: injectControl(injection, module.forward(t['condition']!, t['timesteps']!), {
        strength: featureStrength(target, t, strength),
      }),
    }),
    trainsInBase: trains,
    baseRate,
    initial: (_base, seed) => initialize(module, seed, 'control'),
  };
}

/** As part of an id: "down_blocks.0" is "down-blocks-0". */
const slug = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

/** A choice that is not the recipe's, as part of an id and of a label. */
function named({ legacy, point, gain, trains, normalization }: ControlNeXtChoices): { id: string; label: string }[] {
  return [
    ...(legacy ? [{ id: 'legacy', label: 'legacy module' }] : []),
    ...(point === undefined ? [] : [{ id: slug(point), label: `at ${point}` }]),
    ...(gain === undefined ? [] : [{ id: `gain-${slug(String(gain))}`, label: `gain ${gain}` }]),
    ...(trains === 'none' ? [{ id: 'locked', label: 'base locked' }] : []),
    ...(trains instanceof RegExp ? [{ id: slug(trains.source), label: `trains ${String(trains)}` }] : []),
    ...(normalization === undefined || normalization === 'cross' ? [] : [NORMALIZATION_NAMES[normalization]]),
  ];
}

function trainedWords(trains: ControlNeXtChoices['trains']): string {
  if (trains === undefined) return 'output projections of the U-Net train with it';
  return trains === 'none' ? 'the U-Net is locked' : `the U-Net's parameters that match ${String(trains)} train with it`;
}

/**
 * ControlNeXt: a small convolutional module whose features are added to the U-Net's main branch at one point, brought to its distribution
 * by cross normalisation; a subset of the U-Net trains with it. Source: ControlNeXt (2024), sections 3.2 and 3.3; the released code, family
 * by family.
 */
export function controlNeXt(choices: ControlNeXtChoices = {}): Method {
  const { legacy = false, point = null, gain = null, trains, normalization = 'cross' } = choices;
  const chosen = named(choices);
  const label = ['ControlNeXt', ...chosen.map((choice) => choice.label)].join(', ');
  const entry = {
    cross: 'by cross normalisation',
    'pool-first': 'by cross normalisation, pooled first',
    'align-first': 'by cross normalisation, aligned first',
    'equation-10': 'normalised as equation 10 prints it',
    'zero-convolution': 'behind a zero convolution',
  }[normalization];
  return {
    id: ['controlnext', ...chosen.map(({ id }) => id)].join('-'),
    label,
    description: `a small module whose features are added at one point ${entry}; ${trainedWords(trains)}`,
    config: { legacy, point, gain, trains: trains === undefined ? null : String(trains), normalization },
    create: (target) => controlOf(target, recipeOf(target, choices, label)),
  };
}
