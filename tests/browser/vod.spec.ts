/** Recordings: they say how long they are, begin where they are told to, and go wherever one seeks to. */
import { FPS, GOP, ROUND } from './harness/measures.js';
import { readCounter, snapshot } from './harness/pictures.js';
import { type Recording, SECONDS } from './harness/recordings.js';
import { act, type Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

const time = (stage: Stage) => act(stage, player => player.currentTime);

/** The number of the picture on the screen, once that stands still. */
async function shown(stage: Stage): Promise<number | null> {
  await stage.wait(0.2);
  return readCounter(await snapshot(stage.page));
}

/** Frames from the one that belongs to `seconds`; each container has its own idea of where the first one is. */
function off(counter: number | null, seconds: number): number {
  return (counter ?? Number.NaN) - (Math.floor(seconds * FPS) % ROUND['counter-av']);
}

const ALL: Recording[] = [
  'list.flv',
  'first.mp4',
  'last.mp4',
  'fragments.mp4',
  'ts/index.m3u8',
  'fmp4/index.m3u8',
  'aes/index.m3u8',
];

for (const name of ALL) {
  test(`${name}: begins where it is told to, and seeks`, async ({ stage, files }) => {
    await stage.open();
    await stage.play(files.url(name), { startTime: 30 });
    await stage.event('playing');
    expect(Math.abs((await time(stage)) - 30)).toBeLessThan(2);
    expect(await act(stage, player => [player.live, player.streamType])).toEqual([false, 'on-demand']);
    expect(Math.abs((await act(stage, player => player.duration)) - SECONDS)).toBeLessThan(0.2);
    expect(await act(stage, player => player.seekable.length)).toBe(1);
    await act(stage, player => player.pause());

    await act(stage, (player, to) => (player.currentTime = to), 50.52);
    expect(await time(stage), 'at once').toBeCloseTo(50.52);
    await stage.event('seeked');
    expect(Math.abs(off(await shown(stage), 50.52)), 'exactly there').toBeLessThanOrEqual(1);
    expect(await time(stage)).toBeCloseTo(50.52, 1);

    await act(stage, player => player.fastSeek(11.9));
    await stage.event('seeked', { count: 2 });
    expect(((await shown(stage)) ?? Number.NaN) % GOP, 'a keyframe').toBe(0);
    // Of HLS that of a segment.
    expect(Math.abs((await time(stage)) - 11.9)).toBeLessThanOrEqual(4);

    const from = await time(stage);
    await act(stage, player => player.play());
    await stage.wait(1.5);
    expect(await time(stage)).toBeGreaterThan(from + 1);
    expect(await stage.events('error')).toEqual([]);
  });
}

test('played to its end, it stands there, begins anew, and loops', async ({ stage, files }) => {
  await stage.open();
  await stage.play(files.url('list.flv'), { startTime: SECONDS - 3 });
  await stage.event('ended', { seconds: 15 });
  expect(await act(stage, player => [player.ended, player.paused])).toEqual([true, true]);
  expect(off(await shown(stage), SECONDS - 1 / FPS), 'the last picture').toBeGreaterThanOrEqual(-2);

  await act(stage, (player, to) => (player.currentTime = to), 20.5);
  await stage.event('seeked');
  expect(Math.abs(off(await shown(stage), 20.5))).toBeLessThanOrEqual(1);
  expect(await act(stage, player => [player.ended, player.paused]), 'as a media element').toEqual([
    false,
    true,
  ]);
  await act(stage, player => player.play());
  expect(await time(stage)).toBeLessThan(25);

  await act(stage, (player, to) => (player.currentTime = to), SECONDS - 2);
  await stage.event('ended', { count: 2 });
  await act(stage, player => player.play());
  expect(await time(stage), 'from the beginning').toBeLessThan(3);
  expect(await stage.events('loadstart'), 'in the same session').toHaveLength(1);

  await act(stage, player => {
    player.loop = true;
    player.currentTime = player.duration - 2;
  });
  await expect.poll(() => time(stage), { timeout: 10_000 }).toBeLessThan(10);
  expect(await stage.events('ended')).toHaveLength(2);
});

test('twice as fast, and half as fast', async ({ stage, files }) => {
  await stage.open();
  await stage.play(files.url('list.flv'), { playbackRate: 2 });
  await stage.event('playing');
  for (const rate of [2, 0.5, 3]) {
    await act(stage, (player, rate) => (player.playbackRate = rate), rate);
    await stage.wait(0.7);
    const before = await act(stage, player => [player.currentTime, performance.now() / 1000]);
    await stage.wait(2);
    const after = await act(stage, player => [player.currentTime, performance.now() / 1000]);
    const pace = ((after[0] ?? 0) - (before[0] ?? 0)) / ((after[1] ?? 0) - (before[1] ?? 0));
    expect(Math.abs(pace / rate - 1), `${rate}: ${pace}`).toBeLessThan(0.1);
  }
  expect((await stage.events('ratechange')).map(({ detail }) => detail.rate)).toEqual([2, 0.5, 3]);
  expect((await stage.stats()).stalls).toBe(0);
});

test('a worker that crashes: it goes on where it was', async ({ stage, files }) => {
  stage.allow(/boom/);
  await stage.open();
  await stage.play(files.url('first.mp4'), { startTime: 40 });
  await stage.event('playing');
  await stage.wait(1);
  await stage.crashWorker();
  await stage.event('reconnected');
  const at = await time(stage);
  expect(at).toBeGreaterThan(40.5);
  expect(at).toBeLessThan(45);
});

test('a place in the middle costs little more than what is played', async ({ stage, files }) => {
  await stage.open();
  await stage.play(files.url('first.mp4'), { startTime: 50 });
  await stage.event('firstframe');
  const asked = files.asked.map(({ range }) => range);
  expect(
    asked.every(range => range !== undefined),
    asked.join(),
  ).toBe(true);
  expect(asked.length, asked.join()).toBeLessThanOrEqual(2);
});
