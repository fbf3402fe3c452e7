import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { MetricsError } from '../errors.ts';
import { fileHash } from './file-hash.ts';
import type { PublishedFile } from './registry.ts';

/** How often a broken transfer is taken up again before the user is asked to. */
const ATTEMPTS = 4;
/** Before the second attempt; doubled before every further one. */
const FIRST_PAUSE_MS = 500;

const MAX_HOPS = 10;
/** The largest file of the registry has 1.7 GB; a server need not say how much it sends. */
const MAX_BYTES = 4 * 2 ** 30;

/** How far a download has come. */
export interface FetchProgress {
  /** Bytes on disk. */
  received: number;
  /** null where the server does not tell. */
  total: number | null;
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

/**
 * Downloads a file into a folder, and checks it. What arrives goes to `FILE.part`; a broken transfer goes on where it stopped, also in
 * another call. The file gets its name only once its checksum fits.
 * @returns its path, and whether it had been there
 * @throws MetricsError checksum-mismatch with both sums (a wrong download is deleted, a file that was there is not); download-failed
 */
export async function fetchWeights(
  { file, url, sha256 }: PublishedFile,
  folder: string,
  onProgress: (progress: FetchProgress) => void,
): Promise<{ path: string; fetched: boolean }> {
  const target = path.join(folder, file);
  const part = `${target}.part`;
  await mkdir(folder, { recursive: true });
  if ((await sizeOf(target)) > 0) {
    await check(target, sha256, 'move it away to fetch it again');
    return { path: target, fetched: false };
  }
  for (let attempt = 1; ; attempt++) {
    try {
      await transfer(url, part, onProgress);
      break;
    } catch (error) {
      const status = error instanceof MetricsError ? (error.values['status'] as number | undefined) : undefined;
      const hopeless = status !== undefined && status < 500 && status !== 429;
      if (hopeless || attempt === ATTEMPTS) {
        const have = await sizeOf(part);
        const rest = have > 0 ? ` ${have} bytes are in ${part}: run the command again to go on from there.` : '';
        throw new MetricsError(
          'download-failed',
          `cannot fetch ${url}: ${reason(error)}.${rest} Without a network, bring the file from elsewhere to ${target} (sha256 ${sha256}).`,
          { url, status, have },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (attempt - 1)));
    }
  }
  await check(part, sha256, 'it was deleted; run the command again, or compare with where it is published', () => rm(part));
  await rename(part, target);
  return { path: target, fetched: true };
}

/** fetch hides what went wrong in its cause. */
function reason(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Error };
  return cause?.message ? `${message} (${cause.message})` : message;
}

/** Follows redirections, but never from https to an address that anybody on the way may answer for. */
async function request(url: string, headers: Record<string, string>): Promise<Response> {
  for (let at = new URL(url), hops = 0; ; hops++) {
    const response = await fetch(at, { headers, redirect: 'manual' });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    const next = new URL(location, at);
    const refused = (why: string): MetricsError =>
      new MetricsError('download-failed', `the server leads on to ${next.origin}, ${why}`, { status: response.status, to: next.href });
    if (hops === MAX_HOPS) throw refused(`after ${MAX_HOPS} other addresses`);
    if (next.protocol !== 'https:' && next.protocol !== at.protocol) throw refused('which is not encrypted');
    at = next;
  }
}

async function transfer(url: string, part: string, onProgress: (progress: FetchProgress) => void): Promise<void> {
  const have = await sizeOf(part);
  const response = await request(url, have > 0 ? { range: `bytes=${have}-` } : {});
  // There is nothing behind what we have: it is all there, or too much, as its checksum will tell.
  if (response.status === 416 && have > 0) {
    await response.body?.cancel();
    return;
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new MetricsError('download-failed', `the server answered ${response.status} ${response.statusText}`.trim(), {
      status: response.status,
    });
  }
  const resumed = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-`) === true;
  const length = response.headers.get('content-length');
  let received = resumed ? have : 0;
  const total = length === null || response.headers.has('content-encoding') ? null : received + Number(length);
  onProgress({ received, total });
  // Written piece by piece: a write stream would drop what it still holds when the transfer breaks.
  const handle = await open(part, resumed ? 'a' : 'w');
  try {
    for await (const chunk of response.body) {
      if (received + (chunk as Uint8Array).length > MAX_BYTES)
        throw new MetricsError('download-failed', `the server sends more than ${MAX_BYTES} bytes`, { status: 413 });
      await handle.writeFile(chunk as Uint8Array);
      received += (chunk as Uint8Array).length;
      onProgress({ received, total });
    }
  } finally {
    await handle.close();
  }
}

/**
 * Checks weights once more when they are used, if they lie in the folder that `fetchWeights` fills: a disk may have damaged them since.
 * What a user names is theirs.
 * @throws MetricsError checksum-mismatch with both sums
 */
export async function verifyFetched({ file, sha256 }: PublishedFile, used: string, folder: string): Promise<void> {
  if (path.resolve(used) === path.resolve(folder, file)) await check(used, sha256, 'remove it and fetch it again');
}

async function check(file: string, expected: string, advice: string, discard: () => Promise<void> = async () => {}): Promise<void> {
  const actual = await fileHash(file);
  if (actual === expected) return;
  await discard();
  throw new MetricsError('checksum-mismatch', `${file} has the sha256 ${actual}, expected ${expected}; ${advice}`, {
    file,
    actual,
    expected,
  });
}
