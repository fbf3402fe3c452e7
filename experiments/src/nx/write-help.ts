/** `npm run nx-help`: brings tools/nx up to date with the program's commands. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { workspaceRoot } from '@controllab/command-line';
import { writeAtomic } from '@controllab/data';
import { nxHelp } from './help.ts';

const folder = path.join(workspaceRoot, 'tools', 'nx');
await rm(path.join(folder, 'help'), { recursive: true, force: true });
for (const [name, text] of Object.entries(await nxHelp())) await writeAtomic(path.join(folder, name), text);
