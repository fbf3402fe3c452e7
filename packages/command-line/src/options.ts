import { Option } from 'commander';

/** The flag that chooses ONNX Runtime's execution provider among those of the engine. */
export const providerOption = (providers: readonly string[]): Option =>
  new Option('--provider <name>', 'ONNX Runtime execution provider').choices(providers).default('cpu');
