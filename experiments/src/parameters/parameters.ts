import { ARCHITECTURES } from '@controllab/base-model';
import type { Job } from '../runner/job.ts';
import { components } from './components.ts';
import { measureComponent, measureFamily } from './measure.ts';
import { parametersReport, parametersTables, type ParametersResult } from './report.ts';

/** ControlNeXt's table 5: counted from the graphs, nothing is allocated or run. */
const parameters: Job<object, ParametersResult> = {
  id: 'parameters',
  description:
    'Parameters, multiply-accumulates and bytes of every model and method at full size, beside the paper’s (ControlNeXt, table 5)',
  profiles: { full: {} },
  seeded: false,
  engines: null,
  run: async () => ({ families: ARCHITECTURES.map(measureFamily), components: components().map(measureComponent) }),
  tables: parametersTables,
  report: parametersReport,
  sources: () => ({ weightsHash: 'none: no weight is allocated', datasetHash: 'none' }),
};

export default parameters;
