// Prints what tests find on this machine beside npm's packages: results of tests are known to nx by it too.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const MODULES = 'import importlib.util as u; print(*(m for m in ("torch", "numpy", "scipy") if u.find_spec(m)))';
const named = process.env.CONTROLLAB_PYTHON;
const pythons = [...(named ? [named] : []), '/usr/bin/python3', 'python3'].map(
  (python) => spawnSync(python, ['-c', MODULES], { encoding: 'utf8' }).stdout ?? '',
);
const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
console.log(process.version, process.platform, process.arch, named, pythons, existsSync(chromium));
