declare module 'jstat' {
  /** The part of jStat that is used here: Student's t by degrees of freedom. */
  const jstat: { jStat: { studentt: { cdf(x: number, degrees: number): number; inv(p: number, degrees: number): number } } };
  export default jstat;
}
