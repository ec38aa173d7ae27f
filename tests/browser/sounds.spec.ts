/** Of the sounds of HLS one is heard; another one soon after it is chosen, and the picture goes on. */
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { TONES } from './harness/recordings.js';
import { act } from './harness/stage.js';
import { expect, test } from './harness/test.js';
import { heardTape, largestStep, loudness, pitch, tape } from './harness/tone.js';

const RATE = 48_000;
/** A twentieth of a second. */
const PART = 2400;
/** Seconds until the other one must be heard. */
const SOON = 1.5;

const [FIRST, SECOND] = TONES;
const isTone = (samples: Float32Array, hz: number) => Math.abs(pitch(samples) / hz - 1) < 0.02;

test('sounds are told with name and language, and chosen while they play', async ({ stage, files }) => {
  await tape(stage.page);
  await stage.open();
  await stage.play(files.url('sounds/main.m3u8'));
  await stage.event('playing');
  const list = () => act(stage, ({ tracks }) => tracks.filter(({ kind }) => kind === 'audio'));
  expect(await list()).toMatchObject([
    { number: 0, codec: 'mp4a.40.2', language: 'en', sampleRate: RATE, channels: 2, selected: true },
    { number: 1, codec: '', language: 'de', selected: false },
  ]);
  expect((await list()).every(({ label }) => label)).toBe(true);
  await stage.wait(1);
  await heardTape(stage.page);
  await stage.wait(1);
  const { samples: before } = await heardTape(stage.page);
  expect(isTone(before, FIRST), `${pitch(before)} Hz`).toBe(true);

  const cast = await Screencast.start(stage.page);
  await act(stage, player => player.selectTrack('audio', 1));
  await stage.wait(SOON + 1);
  const { samples: heard } = await heardTape(stage.page);
  expectInOrder(await cast.stop(), ROUND['counter-av']);
  const parts = Array.from({ length: Math.floor(heard.length / PART) }, (_, i) =>
    heard.slice(i * PART, (i + 1) * PART),
  );
  const story = parts.map(part => pitch(part).toFixed(0)).join(' ');
  expect(isTone(heard.slice(SOON * RATE), SECOND), story).toBe(true);
  const between = parts.filter(part => !isTone(part, FIRST) && !isTone(part, SECOND));
  expect(between.length, `one seam: ${story}`).toBeLessThanOrEqual(2);
  const silent = parts.filter(part => loudness(part) < loudness(before) / 4);
  expect(silent.length, 'no gap').toBeLessThanOrEqual(1);
  const after = heard.slice(SOON * RATE);
  expect(largestStep(heard) / Math.max(largestStep(before), largestStep(after)), 'no click').toBeLessThan(2);

  expect((await list()).map(({ selected }) => selected)).toEqual([false, true]);
  expect((await stage.events('trackselected')).at(-1)?.detail).toEqual({ kind: 'audio', number: 1 });
  expect((await stage.stats()).stalls).toBe(0);
  expect(await stage.events('error')).toEqual([]);
});

test('one that is chosen while paused is heard after play', async ({ stage, files }) => {
  await tape(stage.page);
  await stage.open();
  await stage.play(files.url('sounds/main.m3u8'));
  await stage.event('playing');
  await stage.wait(1);
  await act(stage, player => player.pause());
  await act(stage, player => player.selectTrack('audio', 1));
  await stage.event('trackselected', { count: 3 });
  await heardTape(stage.page);
  await act(stage, player => player.play());
  await stage.event('playing', { count: 2 });
  await stage.wait(1);
  const { samples: heard } = await heardTape(stage.page);
  const loud = heard.slice(heard.findIndex(sample => Math.abs(sample) > 0.02));
  expect(isTone(loud, SECOND), `${pitch(loud)} Hz`).toBe(true);
  expect(await stage.events('error')).toEqual([]);
});
