import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateWeights, weightsPlaces } from './locate.ts';
import { WEIGHTS, WEIGHTS_FOLDER } from './registry.ts';

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'weights-'));
  fs.writeFileSync(path.join(folder, WEIGHTS.inception.file), '');
  fs.writeFileSync(path.join(folder, 'mine.pth'), '');
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

describe('weights', () => {
  it('are found under their published names in a folder, or where a file is given', () => {
    const mine = path.join(folder, 'mine.pth');
    expect(locateWeights(weightsPlaces([folder]), 'inception', 'fid')).toBe(path.join(folder, 'fid_inception.safetensors'));
    expect(locateWeights(weightsPlaces([folder, `inception=${mine}`]), 'inception', 'fid')).toBe(mine);
  });

  it('that are missing come with what to do', () => {
    const { url, sha256 } = WEIGHTS['aesthetic-v2'];
    expect(() => locateWeights(weightsPlaces([folder]), 'aesthetic-v2', 'aesthetic')).toThrow(
      [
        `aesthetic needs the weights "aesthetic-v2", and sac+logos+ava1-l14-linearMSE.pth is not in ${folder} or ${WEIGHTS_FOLDER}. Either`,
        '  fetch them:          npx nx run metrics:fetch aesthetic-v2',
        '  or point at a file:  --weights aesthetic-v2=FILE, or --weights FOLDER with sac+logos+ava1-l14-linearMSE.pth in it',
        `Published at ${url} (sha256 ${sha256}).`,
      ].join('\n'),
    );
  });

  it('places that make no sense are named', () => {
    expect(() => weightsPlaces(['nowhere'])).toThrow('--weights nowhere: there is no nowhere');
    expect(() => weightsPlaces([`inceptoin=${folder}`])).toThrow(
      'there are no weights "inceptoin"; there are inception, clip, clip-tokenizer, aesthetic-v1, aesthetic-v2',
    );
    const mine = path.join(folder, 'mine.pth');
    expect(() => weightsPlaces([`clip=${mine}`, `clip=${folder}`])).toThrow(`--weights clip=${folder}: clip is ${mine} already`);
    expect(() => weightsPlaces([path.join(folder, 'mine.pth')])).toThrow(/is a file; say what for: --weights NAME=/);
  });
});

describe('the registry', () => {
  it('pins every file by https and sha256', () => {
    for (const { url, sha256, license } of Object.values(WEIGHTS)) {
      expect(url).toMatch(/^https:\/\//);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(license).toMatch(/^(MIT|Apache-2\.0)$/);
    }
    expect(new Set(Object.values(WEIGHTS).map(({ file }) => file)).size).toBe(Object.keys(WEIGHTS).length);
  });
});
