import { meanInterval, type Estimate, type IntervalOptions } from '@controllab/report';

/** The mean of a number that each image of a set has, with its interval: a bootstrap draws by place, so that order must not count. */
export const meanOfImages = (values: ArrayLike<number>, options: IntervalOptions = {}): Estimate =>
  meanInterval(Float64Array.from(values).sort(), options);
