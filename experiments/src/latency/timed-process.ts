/** Times one method in a process of its own. Started by latency.ts with a StepTiming. */
import { answerJob } from '../runner/child-job.ts';
import { timeMethod } from './time-method.ts';

answerJob(timeMethod);
