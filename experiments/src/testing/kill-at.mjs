// Loaded before the program by tests that kill it: ends the whole process group at one operation on files, named by the environment.
// KILL_AT is a JSON of { pattern, ordinal, cut }: the how manieth operation on a path that fits the pattern, and how much of what it would
// write still gets to the file. The kill comes before the operation, as a power cut may.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { pattern, ordinal, cut } = JSON.parse(process.env.KILL_AT);
const fits = new RegExp(pattern);
const names = new Map();
let seen = 0;

/** Counts an operation; `partly` does what still happens at the last one. */
function at(file, partly = () => {}) {
  if (typeof file !== 'string' || !fits.test(file) || ++seen < ordinal) return;
  partly();
  process.kill(0, 'SIGKILL');
  // The signal arrives at once, but not before this line.
  for (;;);
}

for (const name of ['mkdirSync', 'renameSync', 'rmSync', 'truncateSync']) {
  const original = fs[name];
  fs[name] = (file, ...rest) => {
    at(file);
    return original(file, ...rest);
  };
}
const { openSync, writeSync, writeFileSync, fsyncSync } = fs;
fs.openSync = (file, flags, ...rest) => {
  if (flags !== 'r') at(file);
  const fd = openSync(file, flags, ...rest);
  names.set(fd, file);
  return fd;
};
const start = (data) => (typeof data === 'string' ? data.slice(0, data.length * cut) : data.subarray(0, data.byteLength * cut));
fs.writeSync = (fd, data, ...rest) => {
  at(names.get(fd), () => writeSync(fd, start(data)));
  return writeSync(fd, data, ...rest);
};
fs.writeFileSync = (file, data, ...rest) => {
  at(file, () => writeFileSync(file, start(data)));
  return writeFileSync(file, data, ...rest);
};
fs.fsyncSync = (fd) => {
  at(names.get(fd));
  return fsyncSync(fd);
};
const { open, rename, rm, mkdir } = fs.promises;
Object.assign(fs.promises, {
  async open(file, flags, ...rest) {
    if (flags !== 'r') at(file);
    const handle = await open(file, flags, ...rest);
    const { writeFile } = handle;
    handle.writeFile = async (data, ...more) => {
      if (typeof file === 'string' && fits.test(file) && seen + 1 === ordinal) await writeFile.call(handle, start(data));
      at(file);
      return writeFile.call(handle, data, ...more);
    };
    return handle;
  },
  rename: async (from, to) => {
    at(to);
    return rename(from, to);
  },
  rm: async (file, ...rest) => {
    at(file);
    return rm(file, ...rest);
  },
  mkdir: async (file, ...rest) => {
    at(file);
    return mkdir(file, ...rest);
  },
});
syncBuiltinESMExports();
