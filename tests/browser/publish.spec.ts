/** Camera and microphone published by Chromium: what the servers give out of it, and what our own player shows. */
import { type Recorded, record } from '../interop/recorded.js';
import { expectInSync, expectSound, median } from './harness/measures.js';
import { Screencast, steps } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { withDevices } from './harness/studio.js';
import { expect, test } from './harness/test.js';
import { captureOffset, phase, phaseOfPictures, wrapped } from './harness/truth.js';

test.use(withDevices());

/** Pictures a second that are asked for, and those of the camera. */
const [FPS, CAMERA_FPS] = [15, 30];
const GOP = 4;
/** Frames in a round of the camera's file. */
const ROUND = 8 * CAMERA_FPS;
const IN_SYNC = 60;

function note(type: string, description: string): void {
  test.info().annotations.push({ type, description });
}

const file = (name: string) => test.info().outputPath(`${name}.flv`);

/** By how many ms the picture is later than the sound it belongs to, in what a server gave out. */
async function offset(recorded: Recorded): Promise<number> {
  const pictures = (await recorded.pictures()).flatMap(({ time, counter }) =>
    counter === null ? [] : [{ at: time * 1000, counter }],
  );
  return wrapped(phaseOfPictures(pictures) - phase((await recorded.beeps()).map(({ time }) => time * 1000)));
}

/** As it was asked for: codecs, size, rate, keyframes, time stamps; and nothing is wrong with it. */
async function expectWhole(recorded: Recorded, seconds: number): Promise<void> {
  expect(await recorded.errors(), 'what ffmpeg says').toBe('');
  const tracks = await recorded.tracks();
  expect(tracks).toHaveLength(2);
  expect(tracks.find(({ width }) => width)).toMatchObject({ codec_name: 'h264', width: 896, height: 504 });
  const sound = { codec_name: 'aac', profile: 'LC', sample_rate: '48000', channels: 2 };
  expect(tracks.find(({ channels }) => channels)).toMatchObject(sound);

  const packets = await recorded.packets();
  for (const kind of ['video', 'audio']) {
    const times = packets.filter(packet => packet.kind === kind).map(({ dts }) => dts);
    const back = times.filter((dts, i) => i > 0 && dts <= (times[i - 1] ?? 0));
    expect(back, `${kind}: dts that are no later than the one before`).toEqual([]);
  }
  const video = packets.filter(({ kind }) => kind === 'video');
  expect(video[0]?.keyframe).toBe(true);
  expect(video.every(({ pts, dts }) => pts === dts)).toBe(true);
  const span = (video.at(-1)?.dts ?? 0) - (video[0]?.dts ?? 0);
  expect(span).toBeGreaterThan(seconds * 0.8);
  const fps = (video.length - 1) / span;
  note('pictures a second', fps.toFixed(2));
  expect(Math.abs(fps - FPS), `pictures a second: ${fps}`).toBeLessThan(1);
  const keyframes = video.filter(({ keyframe }) => keyframe).map(({ pts }) => pts);
  const gops = keyframes.slice(1).map((pts, i) => pts - (keyframes[i] ?? 0));
  expect(gops.length).toBeGreaterThan(0);
  for (const gop of gops) expect(Math.abs(gop - GOP), `from keyframe to keyframe: ${gops}`).toBeLessThan(0.2);

  const pictures = await recorded.pictures();
  expect(pictures.length).toBe(video.length);
  expect(pictures.filter(({ counter }) => counter === null).length, 'pictures that cannot be read').toBe(0);
  const counters = pictures.map(({ counter }) => ({ at: 0, counter: counter ?? 0 }));
  const repeated = steps(counters, ROUND).filter(step => step <= 0);
  expect(repeated, `steps back in ${counters.map(({ counter }) => counter).join(' ')}`).toEqual([]);

  const heard = await recorded.beeps();
  const whole = heard.slice(1, -1);
  expect(whole.length).toBeGreaterThanOrEqual(seconds - 4);
  for (const beep of whole) {
    expect(Math.abs(beep.length - 0.1), JSON.stringify(heard)).toBeLessThan(0.015);
    expect(beep.hole, JSON.stringify(heard)).toBe(0);
  }
}

test('published to our relay: whole, in sync, and watched', async ({ stage, studio, servers }) => {
  const { relay } = servers;
  await studio.publish(relay.publish('camera'));
  await studio.wait(1);
  const [recorded, captured] = await Promise.all([
    record(relay.http('camera'), 10, file('camera')),
    captureOffset(studio.page, 6),
  ]);
  await expectWhole(recorded, 10);
  const given = await offset(recorded);
  note('picture after sound, ms', `captured ${captured.toFixed(0)}, given out ${given.toFixed(0)}`);
  expect(Math.abs(wrapped(given - captured))).toBeLessThanOrEqual(IN_SYNC);
  const stats = await studio.stats();
  console.log(test.info().annotations, captured, given, stats.avOffset);
  console.log(await studio.story());

  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.play(relay.http('camera'));
  await stage.event('playing');
  await stage.wait(6);
  const seen = await cast.stop();
  console.log(seen.unreadable, seen.pictures, seen.shown.map(s=>s.counter).join(' '));
  const heard = await beeps(stage.page);
  console.log(JSON.stringify(heard));
});
