import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchWeights, verifyFetched, type FetchProgress } from './fetch.ts';

const DATA = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 251));
const sha256 = createHash('sha256').update(DATA).digest('hex');

let folder: string;
let server: http.Server;
let requests: (string | undefined)[];
/** Answers request number n; sends the whole range by default. */
let answer: (response: http.ServerResponse, from: number, n: number) => void;
beforeEach(async () => {
  folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'fetch-')), 'weights');
  requests = [];
  answer = (response, from) => whole(response, from);
  server = http.createServer((request, response) => {
    requests.push(request.headers.range);
    answer(response, Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0), requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  fs.rmSync(path.dirname(folder), { recursive: true });
});

const head = (response: http.ServerResponse, from: number) =>
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': DATA.length - from,
    ...(from > 0 ? { 'content-range': `bytes ${from}-${DATA.length - 1}/${DATA.length}` } : {}),
  });
const whole = (response: http.ServerResponse, from: number) => void head(response, from).end(DATA.subarray(from));
/** Sends so many bytes, and breaks the connection once they have arrived. */
const broken = (response: http.ServerResponse, from: number, bytes: number) => {
  head(response, from).write(DATA.subarray(from, from + bytes));
  const timer = setInterval(() => {
    if (seen.at(-1)?.received !== from + bytes) return;
    clearInterval(timer);
    response.destroy();
  }, 5);
};

const file = (sum = sha256) => ({
  file: 'net.bin',
  url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/net.bin`,
  sha256: sum,
  what: 'a test',
  author: 'nobody',
  license: 'none',
});
const at = (name: string) => path.join(folder, name);
const seen: FetchProgress[] = [];
const run = (sum?: string) => {
  seen.length = 0;
  return fetchWeights(file(sum), folder, (progress) => seen.push(progress));
};

describe('verifyFetched', () => {
  it('finds damage since the download in the folder that it filled, and leaves what a user names alone', async () => {
    await run();
    await verifyFetched(file(), at('net.bin'), folder);
    fs.writeFileSync(at('net.bin'), DATA.subarray(1));
    await expect(verifyFetched(file(), at('net.bin'), folder)).rejects.toMatchObject({
      code: 'checksum-mismatch',
      message: expect.stringContaining('remove it and fetch it again') as string,
    });
    fs.writeFileSync(at('mine.bin'), 'x');
    await verifyFetched(file(), at('mine.bin'), folder);
  });
});

describe('fetchWeights', () => {
  it('follows a redirection, relative too, and ends at a circle', async () => {
    answer = (response, from, n) => (n === 1 ? void response.writeHead(302, { location: '/elsewhere' }).end() : whole(response, from));
    await run();
    expect(requests).toHaveLength(2);
    fs.rmSync(at('net.bin'));
    answer = (response) => void response.writeHead(302, { location: '/again' }).end();
    await expect(run()).rejects.toThrow(/leads on to http:.*after 10 other addresses/);
  });

  it('does not follow one from https to http, or to another scheme', async () => {
    const real = globalThis.fetch;
    const asked: string[] = [];
    globalThis.fetch = (async (input: URL) => {
      asked.push(input.href);
      return new Response(null, { status: 302, headers: { location: 'http://example.org/net.bin' } });
    }) as typeof fetch;
    try {
      const secure = { ...file(), url: 'https://example.org/net.bin' };
      await expect(fetchWeights(secure, folder, () => {})).rejects.toMatchObject({
        code: 'download-failed',
        message: expect.stringContaining('the server leads on to http://example.org, which is not encrypted') as string,
      });
      expect(asked).toEqual(['https://example.org/net.bin']);
    } finally {
      globalThis.fetch = real;
    }
  });

  it('downloads, says how far it is, and does not download again', async () => {
    expect(await run()).toEqual({ path: at('net.bin'), fetched: true });
    expect(fs.readFileSync(at('net.bin')).equals(DATA)).toBe(true);
    expect(seen[0]).toEqual({ received: 0, total: 100_000 });
    expect(seen.at(-1)).toEqual({ received: 100_000, total: 100_000 });
    expect(fs.readdirSync(folder)).toEqual(['net.bin']);
    expect(await run()).toEqual({ path: at('net.bin'), fetched: false });
    expect(requests).toHaveLength(1);
  });

  it('goes on where a transfer broke, in the same call', async () => {
    answer = (response, from, n) => (n === 1 ? broken(response, from, 40_000) : whole(response, from));
    await run();
    expect(requests).toEqual([undefined, 'bytes=40000-']);
    expect(fs.readFileSync(at('net.bin')).equals(DATA)).toBe(true);
    expect(seen.find(({ received }) => received === 40_000)).toEqual({ received: 40_000, total: 100_000 });
  });

  it('goes on in a later call, or starts anew where the server does not know ranges', async () => {
    fs.mkdirSync(folder);
    fs.writeFileSync(at('net.bin.part'), DATA.subarray(0, 70_000));
    await run();
    expect(requests).toEqual(['bytes=70000-']);
    expect(seen[0]).toEqual({ received: 70_000, total: 100_000 });
    fs.rmSync(at('net.bin'));
    fs.writeFileSync(at('net.bin.part'), DATA.subarray(0, 70_000));
    answer = (response) => whole(response, 0);
    await run();
    expect(fs.readFileSync(at('net.bin')).equals(DATA)).toBe(true);
  });

  it('takes a whole .part as it is', async () => {
    fs.mkdirSync(folder);
    fs.writeFileSync(at('net.bin.part'), DATA);
    answer = (response) => void response.writeHead(416).end();
    expect(await run()).toEqual({ path: at('net.bin'), fetched: true });
  });

  it('deletes what has the wrong checksum, and names both sums', async () => {
    const other = 'f'.repeat(64);
    await expect(run(other)).rejects.toThrow(`net.bin.part has the sha256 ${sha256}, expected ${other}; it was deleted`);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('leaves a file that was there alone, whatever it is', async () => {
    fs.mkdirSync(folder);
    fs.writeFileSync(at('net.bin'), 'mine');
    await expect(run()).rejects.toMatchObject({ code: 'checksum-mismatch' });
    expect(fs.readFileSync(at('net.bin'), 'utf8')).toBe('mine');
    expect(requests).toEqual([]);
  });

  it('gives up at once on what is not there, and after some attempts on what keeps breaking; says how to go on', async () => {
    answer = (response) => void response.writeHead(404).end();
    await expect(run()).rejects.toThrow(
      new RegExp(
        `cannot fetch http.*/net\\.bin: the server answered 404 Not Found\\. Without a network, bring the file from elsewhere to .*net\\.bin \\(sha256 ${sha256}\\)`,
      ),
    );
    expect(requests).toHaveLength(1);
    answer = (response, from) => broken(response, from, 10_000);
    await expect(run()).rejects.toThrow(/40000 bytes are in .*net\.bin\.part: run the command again to go on from there/);
    expect(requests.slice(1)).toEqual([undefined, 'bytes=10000-', 'bytes=20000-', 'bytes=30000-']);
  }, 20_000);
});
