#!/usr/bin/env node
import { launch } from './launch.mjs';

launch(new URL('../src/main.ts', import.meta.url), process.argv.slice(2));
