/** Trains one method in a process of its own. Started by training-step.ts with a TrainingJob. */
import { answerJob } from '../runner/child-job.ts';
import { trainMethod } from './train-method.ts';

answerJob(trainMethod);
