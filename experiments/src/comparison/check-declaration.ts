import { REAL } from './compute/judging/judge.ts';
import { ROUND_TRIP } from './compute/judging/raters.ts';
import { armsOf, checkArms, drawingsOf, type Experiment, type Profile } from './experiment.ts';

/**
 * Whatever a declaration names by an id is there. A run leaves out what is made of arms that its profile does not train, or whose training
 * failed: what is misspelt would go with it, and nobody would miss it.
 * @param profile as it was chosen, before arms of failed trainings are taken out of it
 * @throws RangeError naming the id, and those that there are
 */
export function checkDeclaration(experiment: Experiment, profile: Profile): void {
  checkArms(experiment.untrained ?? [], experiment, 'untrained');
  const drawn = [REAL, ROUND_TRIP, ...drawingsOf(experiment, profile).map(({ id }) => id)];
  for (const { id, of } of experiment.rated?.(armsOf(experiment, profile), profile) ?? []) {
    const unknown = of.filter((one) => !drawn.includes(one));
    if (unknown.length > 0) throw new RangeError(`rated pair ${id}: no drawings: ${unknown.join(', ')}; there are ${drawn.join(', ')}`);
  }
}
