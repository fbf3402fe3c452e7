import { maskedCrc32c } from './crc32c.ts';

/** A picture as a file of TensorBoard's: a whole PNG. */
export interface EventImage {
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array;
}

/** What was measured at a step, by tag. */
export interface Event {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  readonly values: Readonly<Record<string, number | EventImage>>;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A whole number of at least 0 in groups of seven bits, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    const low = rest % 128;
    if (rest < 128) return [...bytes, low];
    bytes.push(low | 128);
  }
}

const key = (field: number, type: number): number[] => varint(field * 8 + type);

function fixed(bytes: 4 | 8, value: number): Uint8Array {
  const out = new Uint8Array(bytes);
  const view = new DataView(out.buffer);
  if (bytes === 8) view.setFloat64(0, value, true);
  else view.setFloat32(0, value, true);
  return out;
}

const join = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => Uint8Array.from(part)));
const whole = (field: number, value: number): Uint8Array => join(key(field, VARINT), varint(value));
const double = (field: number, value: number): Uint8Array => join(key(field, FIXED64), fixed(8, value));
const float = (field: number, value: number): Uint8Array => join(key(field, FIXED32), fixed(4, value));
const bytes = (field: number, data: Uint8Array): Uint8Array => join(key(field, BYTES), varint(data.length), data);
const text = (field: number, value: string): Uint8Array => bytes(field, Buffer.from(value, 'utf8'));

/** RGB, in `Summary.Image.colorspace`. */
const RGB = 3;

/** A `Summary.Value`: tag = 1, simple_value = 2, image = 4 { height = 1, width = 2, colorspace = 3, encoded_image_string = 4 }. */
const summaryValue = (tag: string, value: number | EventImage): Uint8Array =>
  join(
    text(1, tag),
    typeof value === 'number'
      ? float(2, value)
      : bytes(4, join(whole(1, value.height), whole(2, value.width), whole(3, RGB), bytes(4, value.png))),
  );

/** A record of a TFRecord file: length, its checksum, data, its checksum. */
function record(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(data.length), true);
  const checksum = (of: Uint8Array): Uint8Array => {
    const out = new Uint8Array(4);
    new DataView(out.buffer).setUint32(0, maskedCrc32c(of), true);
    return out;
  };
  return join(length, checksum(length), data, checksum(data));
}

/** What an event file begins with: `Event` with wall_time = 1 and file_version = 3. */
export const eventFileStart = (wallTime: number): Uint8Array => record(join(double(1, wallTime), text(3, 'brain.Event:2')));

/** Events as TensorBoard reads them: `Event` with wall_time = 1, step = 2, summary = 5. To be appended to a file. */
export const encodeEvents = (events: readonly Event[]): Uint8Array =>
  join(
    ...events.map(({ wallTime, step, values }) =>
      record(
        join(
          double(1, wallTime),
          whole(2, step),
          bytes(5, join(...Object.entries(values).map(([tag, value]) => bytes(1, summaryValue(tag, value))))),
        ),
      ),
    ),
  );
