import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { workspaceRoot } from '@controllab/command-line';
import { commitOf } from './provenance.ts';

let root: string;
let head: string;
const at = (...names: string[]): string => path.join(root, ...names);
/** Of a person without a configuration, and of no hook. */
const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: at('repository'), env: { PATH: process.env['PATH'], HOME: root }, encoding: 'utf8' }).trim();

describe.skipIf(spawnSync('git', ['--version']).status !== 0)('the commit', () => {
  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), 'commit-'));
    mkdirSync(at('repository', 'unpacked'), { recursive: true });
    writeFileSync(at('repository', 'file'), 'as it was');
    git('init', '--quiet');
    git('add', 'file');
    git('-c', 'user.name=x', '-c', 'user.email=x@y', 'commit', '--quiet', '--message=x');
    head = git('rev-parse', 'HEAD').slice(0, 12);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it('is that of the folder’s own repository, by whichever path, and says that files differ from it', () => {
    symlinkSync(at('repository'), at('link'));
    expect([commitOf(at('repository')), commitOf(at('link'))]).toEqual([head, head]);
    writeFileSync(at('repository', 'file'), 'otherwise');
    expect(commitOf(at('repository'))).toBe(`${head} + changes`);
  });

  it('is none of a folder without a repository, or below another one, or that is not there', () => {
    expect(commitOf(root)).toBeNull();
    expect(commitOf(at('repository', 'unpacked'))).toBeNull();
    expect(commitOf(at('nothing'))).toBeNull();
  });

  it('is none of a repository that the environment names, as in a hook of one', () => {
    mkdirSync(at('elsewhere'));
    vi.stubEnv('GIT_DIR', at('repository', '.git'));
    try {
      expect(commitOf(at('elsewhere'))).toBeNull();
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.skipIf(!existsSync(path.join(workspaceRoot, '.git')))('is the code’s, wherever a program is started', () => {
    const from = (name: string): string => pathToFileURL(path.join(workspaceRoot, name)).href;
    const script = `import { currentCommit } from ${JSON.stringify(from('packages/report/src/write/provenance.ts'))}; console.log(currentCommit());`;
    const tsx = import.meta.resolve('tsx');
    const said = execFileSync(process.execPath, ['--conditions=controllab', '--import', tsx, '--input-type=module', '--eval', script], {
      cwd: at('repository'),
      encoding: 'utf8',
    });
    // Git may refuse to read what somebody else has cloned.
    const { stdout } = spawnSync('git', ['-C', workspaceRoot, 'rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' });
    expect(said.trim().replace(/ \+ changes$/, '')).toBe(stdout.trim() || 'null');
  });
});
