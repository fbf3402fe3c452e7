import { isContactSheet, maybeContactSheet, SHEET_HEAD_BYTES } from '../../contact-sheet.ts';
import { DataError } from '../../errors.ts';
import { filesOfReports } from '../../reports.ts';
import { openBytes, type ByteSource } from './byte-source.ts';
import { HEAD_BYTES, isHidden, kindByContent, kindByName, unreadable } from '../kinds.ts';
import { MAX_CAPTION_BYTES, MAX_ENTRIES, MAX_ENTRY_BYTES } from '../limits.ts';
import { followed, leadsOut, linkPlace, placeOf } from '../links.ts';
import { extensionOf } from '../names.ts';
import type { Skipped } from '../skipped.ts';
import { tarMembers, type TarMember } from './tar-members.ts';

/** An image in a tar: where its bytes lie in the unpacked archive. */
export interface TarImage {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

export interface TarList {
  readonly file: string;
  readonly gzip: boolean;
  readonly images: readonly TarImage[];
  /** Not decoded yet, by the names of their .txt files. */
  readonly captions: ReadonlyMap<string, Buffer>;
  /** Names of files that are neither. */
  readonly others: readonly string[];
}

/** What a file of a tar is by its name and how it begins. */
interface TarContent {
  readonly image: boolean;
  /** Of an image: whether it is a contact sheet of others. */
  readonly sheet: boolean;
}

/** What is known of the files and links of a tar once it was gone through. */
interface Found {
  readonly files: Map<string, TarMember & TarContent>;
  readonly links: Map<string, string>;
  /** Files and links at their places, in their order. */
  readonly members: TarMember[];
  readonly texts: Map<string, Buffer>;
}

/**
 * Goes through a tar (packed with gzip or not) without keeping its images. Hard and symbolic links are images like those they lead to.
 * @throws DataError invalid-archive, archive-limit, unsupported-archive, unsupported-image, duplicate-name, naming the entry
 */
export async function listTar(file: string, skipped: Skipped): Promise<TarList> {
  const gzip = /gz$/i.test(file);
  const source = await openBytes(file, { gzip });
  try {
    const found = await goThrough(file, source, skipped);
    return await sortOut(file, gzip, found, skipped);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError('invalid-archive', `${file} is damaged, cut short or no tar archive: ${(error as Error).message}`, { file });
  } finally {
    await source.close();
  }
}

/** Files whose texts are looked at: captions, and what says that a folder is a report. */
const isText = (name: string): boolean => extensionOf(name) === 'txt' || /(^|\/)(manifest|results)\.json$/.test(name);

async function goThrough(file: string, source: ByteSource, skipped: Skipped): Promise<Found> {
  const found: Found = { files: new Map(), links: new Map(), members: [], texts: new Map() };
  for await (const member of tarMembers(file, source)) {
    if (member.kind === 'other') continue;
    const { name } = member;
    if (leadsOut(name)) throw new DataError('invalid-archive', `${file}: the entry "${name}" leads out of the archive`, { file, name });
    const place = placeOf(name);
    if (isHidden(place)) {
      skipped.add('hidden', [place]);
      continue;
    }
    if (found.members.length === MAX_ENTRIES)
      throw new DataError('archive-limit', `${file} holds more than ${MAX_ENTRIES} files`, { file });
    if (found.files.has(place) || found.links.has(place))
      throw new DataError('duplicate-name', `${file} holds two files named ${place}`, { file, name: place });
    found.members.push({ ...member, name: place });
    if (member.kind === 'hard link') found.links.set(place, placeOf(member.link));
    else if (member.kind === 'symbolic link') found.links.set(place, linkPlace(place, member.link));
    else found.files.set(place, { ...member, name: place, ...(await contentOf(file, place, member, source)) });
    if (member.kind === 'file' && isText(place)) await keepText(file, place, member, source, found.texts);
  }
  return found;
}

async function contentOf(file: string, name: string, { kind, size }: TarMember, source: ByteSource): Promise<TarContent> {
  const named = kindByName(name);
  if (kind === 'sparse file') {
    if (named !== 'image') return { image: false, sheet: false };
    throw new DataError('unsupported-archive', `${file}: ${name} is a sparse file, which is not read; make the archive without --sparse`, {
      file,
      name,
    });
  }
  const seen = named === 'unnamed' ? kindByContent(await source.read(Math.min(size, HEAD_BYTES))) : named;
  if (seen === 'unreadable') throw unreadable(file, name);
  if (seen === 'image') checkSize(file, name, size, MAX_ENTRY_BYTES);
  const sheet = seen === 'image' && maybeContactSheet(name) && isContactSheet(await source.read(Math.min(size, SHEET_HEAD_BYTES)));
  return { image: seen === 'image', sheet };
}

function checkSize(file: string, name: string, size: number, limit: number): void {
  if (size > limit) throw new DataError('archive-limit', `${file}: ${name} has ${size} bytes, the limit is ${limit}`, { file, name, size });
}

const MAX_JSON_BYTES = 16 * 2 ** 20;

async function keepText(file: string, name: string, { size }: TarMember, source: ByteSource, texts: Map<string, Buffer>): Promise<void> {
  if (extensionOf(name) === 'txt') checkSize(file, name, size, MAX_CAPTION_BYTES);
  else if (size > MAX_JSON_BYTES) return;
  texts.set(name, await source.read(size));
}

/** Which of the members are images, captions and neither, in their order. */
async function sortOut(file: string, gzip: boolean, { files, links, members, texts }: Found, skipped: Skipped): Promise<TarList> {
  const isReports = await filesOfReports(texts.keys(), async (name) => texts.get(name)!.toString('utf8'));
  const images: TarImage[] = [];
  const captions = new Map<string, Buffer>();
  const others: string[] = [];
  for (const { name } of members) {
    const target = followed(file, name, files, links);
    if (isReports(name)) skipped.add('report', [name]);
    else if (target === null) others.push(name);
    else if (target.sheet) skipped.add('sheet', [name]);
    else if (target.image) images.push({ name, offset: target.offset, size: target.size });
    else if (extensionOf(name) === 'txt' && texts.has(target.name)) captions.set(name, texts.get(target.name)!);
    else others.push(name);
  }
  return { file, gzip, images, captions, others };
}
