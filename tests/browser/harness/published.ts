/** What is asked of a stream of the fake devices, as a server gives it out. */
import { expect, test } from '@playwright/test';
import { CAMERA_FPS } from '../../fixtures/devices.mjs';
import type { Recorded } from '../../interop/recorded.js';
import { median } from './measures.js';
import { type Shown, steps } from './pictures.js';
import type { Beep } from './sound.js';
import { type Captured, pictureAfterSound } from './truth.js';

/** What is published by default: pictures a second, seconds from keyframe to keyframe. */
export const [FPS, GOP] = [15, 4];
/** Frames in a round of the camera's file. */
export const CAMERA_ROUND = 8 * CAMERA_FPS;
const IN_SYNC = 60;

export function note(type: string, description: string): void {
  test.info().annotations.push({ type, description });
}

/** A file of this test's own. */
export const keptAs = (name: string) => test.info().outputPath(`${name}.flv`);

/** What a server gave out, beside what was captured; `began`: when it was begun to be published, ms since 1970. */
export interface Given {
  recorded: Recorded;
  began: number;
  captured: Captured;
}

/** Codecs, size, rate, keyframes and time stamps as they were asked for, every picture once, the sound without holes. */
export async function expectWhole(given: Given, seconds: number): Promise<void> {
  const { recorded } = given;
  expect(await recorded.errors(), 'what ffmpeg says').toBe('');
  const tracks = await recorded.tracks();
  expect(tracks).toHaveLength(2);
  expect(tracks.find(({ width }) => width)).toMatchObject({ codec_name: 'h264', width: 896, height: 504 });
  const sound = { codec_name: 'aac', profile: 'LC', sample_rate: '48000', channels: 2 };
  expect(tracks.find(({ channels }) => channels)).toMatchObject(sound);
  await expectTimes(given, seconds);
  await expectPictures(recorded);
  await expectBeeps(recorded, seconds - 4);
}

async function expectTimes({ recorded, began, captured }: Given, seconds: number): Promise<void> {
  const packets = await recorded.packets();
  for (const kind of ['video', 'audio']) {
    const times = packets.filter(packet => packet.kind === kind).map(({ dts }) => dts);
    const back = times.filter((dts, i) => i > 0 && dts <= (times[i - 1] ?? 0));
    expect(back, `${kind}: dts that are no later than the one before`).toEqual([]);
  }
  const video = packets.filter(({ kind }) => kind === 'video');
  expect(video[0]?.keyframe).toBe(true);
  expect(video.every(({ pts, dts }) => pts === dts)).toBe(true);
  const [first, last] = [video[0]?.dts ?? 0, video.at(-1)?.dts ?? 0];
  expect(last - first).toBeGreaterThan(seconds * 0.8);
  const fps = (video.length - 1) / (last - first);
  // On a busy machine the camera itself is slow.
  const [from, to] = [began + first * 1000, began + last * 1000];
  const came = captured.pictures.filter(({ at }) => at > from && at < to).length / (last - first);
  const story = `pictures a second: ${fps.toFixed(2)} of ${came.toFixed(2)}`;
  note('rate', story);
  expect(fps, story).toBeGreaterThan(Math.min(FPS, came) - 1);
  expect(fps, story).toBeLessThan(FPS + 1);
  const keyframes = video.filter(({ keyframe }) => keyframe).map(({ pts }) => pts);
  const gops = keyframes.slice(1).map((pts, i) => pts - (keyframes[i] ?? 0));
  const intervals = `from keyframe to keyframe: ${gops.map(gop => gop.toFixed(2))}`;
  // Chromium's own H.264 encoder begins anew, unasked, with each other bitrate when it scales I420 (seen in 156).
  expect(Math.max(...gops), intervals).toBeLessThan(GOP + 0.2);
  expect(Math.max(...gops), intervals).toBeGreaterThan(GOP - 0.2);
}

/** All can be read, and none comes twice. */
export async function expectPictures(recorded: Recorded): Promise<void> {
  const pictures = await recorded.pictures();
  const shown = pictures.map(({ time, counter }) => ({ at: time * 1000, counter: counter ?? -1 }));
  const story = shown.map(({ counter }) => counter).join(' ');
  expect(shown.length).toBeGreaterThan(FPS);
  expect(shown.filter(({ counter }) => counter < 0).length, `pictures that cannot be read: ${story}`).toBe(0);
  expect(
    steps(shown, CAMERA_ROUND).filter(step => step <= 0),
    `steps back in ${story}`,
  ).toEqual([]);
}

/** `count` of them at least, besides the first and the last, which may be cut off. */
export async function expectBeeps(recorded: Recorded, count: number): Promise<void> {
  const all = await recorded.beeps();
  const whole = all.slice(1, -1);
  const story = JSON.stringify(all);
  expect(whole.length, story).toBeGreaterThanOrEqual(count);
  // Of the middle one: on a busy machine the browser's own capture stumbles.
  expect(Math.abs(median(whole.map(({ length }) => length)) - 0.1), story).toBeLessThan(0.01);
  expect(median(whole.map(({ hole }) => hole)), story).toBe(0);
}

/** Picture and sound are as far apart in what a server gave out as they were where they were captured. */
export async function expectKeptInSync({ recorded, began, captured }: Given): Promise<void> {
  const wall = (time: number) => began + time * 1000;
  const pictures = (await recorded.pictures()).flatMap(({ time, counter }) =>
    counter === null ? [] : [{ at: wall(time), counter }],
  );
  const beeps = (await recorded.beeps()).slice(1).map(({ time }) => wall(time));
  expectTogether({ pictures, beeps }, captured);
}

/** The same of what a player shows. */
export function expectShownInSync(shown: readonly Shown[], beeps: readonly Beep[], captured: Captured): void {
  const [from, to] = [shown[0]?.at ?? 0, shown.at(-1)?.at ?? 0];
  const heard = beeps.map(({ at }) => at).filter(at => at > from && at < to);
  expect(heard.length, `beeps beside the pictures, of ${beeps.length}`).toBeGreaterThanOrEqual(3);
  expectTogether({ pictures: [...shown], beeps: heard }, captured);
}

/** `apart`: by how many ms the picture is later already. */
export function expectTogether(given: Captured, captured: Captured, apart = 0): void {
  const late = pictureAfterSound(given, captured);
  note('picture after sound, ms', late.toFixed(0));
  expect(Math.abs(late - apart), `picture after sound: ${late} ms`).toBeLessThanOrEqual(IN_SYNC);
}
