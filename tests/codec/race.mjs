/**
 * Decoders beside each other on one clip: they take turns, so that whatever else the machine does falls on all of them.
 *
 * A turn decodes the whole clip with a decoder made anew; the best of a decoder's turns counts, since a busy machine only takes away.
 */
import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { md5 } from './ffmpeg.mjs';
import { truths } from './peers.mjs';

const TURNS = Number(process.env.TURNS ?? 3);
/** Brotli takes minutes for more, and nobody serves it. */
const MOST_BROTLI = 8 << 20;

/** For each decoder of this codec: its name, its clip's length (s or pictures) by the CPU seconds of its best turn, how right it is. */
export async function race(clip, decoders) {
  const able = decoders.filter(({ codecs }) => codecs.includes(clip.codec));
  const expected = truths(clip);
  const rows = [];
  for (const decoder of able) {
    const right = decoder.name.startsWith('ffmpeg ') ? '' : await check(decoder, clip, expected);
    rows.push({ decoder, right, best: Number.POSITIVE_INFINITY });
  }
  for (let turn = 0; turn < TURNS; turn++) {
    for (const row of rows.filter(({ right }) => !right.startsWith('no: '))) {
      const run = await row.decoder.open(clip, () => {}, false);
      row.best = Math.min(row.best, await spent(run));
    }
  }
  const amount = clip.width ? clip.packets.length : clip.seconds;
  return rows.map(({ decoder, right, best }) => ({ name: decoder.name, right, speed: amount / best }));
}

export function print(clip, rows) {
  const [{ speed: own }] = rows;
  console.log(`\n${clip.name}: ${clip.width ? 'pictures' : 'seconds of sound'} a CPU second`);
  for (const { name, speed, right } of rows) {
    const ratio = (speed / own).toFixed(2);
    console.log(
      name.padEnd(36),
      (speed ? speed.toFixed(0) : '-').padStart(6),
      (speed ? ratio : '-').padStart(6),
      ' ',
      right,
    );
  }
}

export function printSizes(decoders) {
  console.log(`${''.padEnd(36)}      bytes      gzip    brotli`);
  for (const { name, files, license } of decoders.filter(({ files }) => files.length > 0)) {
    const all = files.map(file => readFileSync(file));
    const sum = size => all.reduce((total, bytes) => total + size(bytes), 0);
    const plain = sum(bytes => bytes.length);
    const sizes = [plain, sum(bytes => gzipSync(bytes, { level: 9 }).length)];
    if (plain < MOST_BROTLI) sizes.push(sum(bytes => brotliCompressSync(bytes).length));
    console.log(name.padEnd(36), ...sizes.map(size => `${size}`.padStart(10)), ' ', license ?? '');
  }
}

/** User and system time, s. */
async function spent(run) {
  const before = process.cpuUsage();
  const told = await run();
  const { user, system } = process.cpuUsage(before);
  return told ?? (user + system) / 1e6;
}

async function check(decoder, clip, expected) {
  const made = [];
  try {
    const run = await decoder.open(clip, get => made.push(get()), true);
    await run();
  } catch (error) {
    return `no: ${error.message}`;
  }
  if (made.length === 0) return 'no: nothing comes out';
  if (clip.width) return comparePictures(made, expected[0]);
  const distance = Math.max(...expected.map(sound => compareSound(made, sound)));
  return distance === Number.POSITIVE_INFINITY ? 'exact' : `${distance.toFixed(0)} dB`;
}

function comparePictures(made, expected) {
  const sums = made.map(picture => (typeof picture === 'string' ? picture : md5(picture)));
  const same = sums.filter((sum, at) => sum === expected[at]).length;
  if (same === expected.length && sums.length === same) return 'exact';
  // A decoder that gives pictures as they are coded may yet have each of them.
  const known = new Set(expected);
  const any = sums.filter(sum => known.has(sum)).length;
  return `${same} of ${expected.length} pictures exact, ${any} in any order, ${sums.length} made`;
}

/** How far the difference lies below the sound, dB, after decoders' different opinions of where it begins. */
function compareSound(made, expected) {
  const [wanted] = expected;
  const got = joined(made.map(channels => channels[0]));
  const from = 96000;
  const differs = (shift, count) => {
    let noise = 0;
    let signal = 0;
    for (let at = from; at < from + count; at++) {
      signal += wanted[at] ** 2;
      noise += (wanted[at] - got[at + shift]) ** 2;
    }
    return noise / signal;
  };
  let best = { shift: 0, ratio: Number.POSITIVE_INFINITY };
  for (let shift = -4096; shift <= 4096; shift++) {
    const ratio = differs(shift, 512);
    if (ratio < best.ratio) best = { shift, ratio };
  }
  const count = Math.min(wanted.length, got.length - best.shift) - from;
  const ratio = differs(best.shift, count);
  return -10 * Math.log10(ratio);
}

function joined(parts) {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
