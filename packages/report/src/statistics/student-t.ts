import jstat from 'jstat';

const { studentt } = jstat.jStat;

/** P(T > t) for Student's t: taken as the lower tail of -t, which keeps its digits however small it is. */
export const upperTail = (t: number, degrees: number): number => studentt.cdf(-t, degrees);

/** The value below which a share of Student's t lies. */
export const studentQuantile = (share: number, degrees: number): number => studentt.inv(share, degrees);
