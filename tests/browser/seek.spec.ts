/** A recording of any kind is there after few round trips, and any picture of it is reached. */
import { FPS, GOP, ROUND } from './harness/measures.js';
import { readCounter, snapshot } from './harness/pictures.js';
import { note } from './harness/published.js';
import { type Recording, SECONDS } from './harness/recordings.js';
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

/** Where the first picture is in a file: behind the priming of the sound. HLS begins with it. */
const FIRST = 0.021;
const LENGTH = ROUND['counter-av'];

/** The number on the picture, which is drawn in its own time after it was given. */
function expectPicture(stage: Stage, number: number): Promise<void> {
  return expect
    .poll(async () => readCounter(await snapshot(stage.page)), { timeout: 2000, intervals: [50] })
    .toBe(number % LENGTH);
}

async function seek(stage: Stage, time: number, how: 'exact' | 'fast' = 'exact'): Promise<number> {
  const count = (await stage.events('seeked')).length + 1;
  await stage.page.evaluate(
    ([time, how]) => {
      const player = globalThis.stage.players[0];
      if (!player) return;
      if (how === 'fast') player.fastSeek(time);
      else player.currentTime = time;
    },
    [time, how] as const,
  );
  const { at } = await stage.event('seeked', { count });
  return at - ((await stage.events('seeking'))[count - 1]?.at ?? 0);
}

/** What the player says of itself. */
function facts(stage: Stage) {
  return stage.page.evaluate(() => {
    const player = globalThis.stage.players[0];
    if (!player) throw new Error('no player');
    const { currentTime, duration, streamType, live, paused, ended, seekable, buffered } = player;
    const range = (ranges: typeof seekable) => (ranges.length > 0 ? [ranges.start(0), ranges.end(0)] : []);
    return {
      ...{ currentTime, duration, streamType, live, paused, ended },
      seekable: range(seekable),
      buffered: range(buffered),
    };
  });
}

/**
 * Round trips before the first picture: one more where the index is at the end, or something is named by what comes first, or an address
 * that looks like a stream's is a recording's, and is asked for again by the whole player.
 */
const KINDS: [Recording, number][] = [
  ['first.mp4', 1],
  ['last.mp4', 3],
  ['fragments.mp4', 1],
  ['list.flv', 2],
  ['plain.flv', 2],
  ['ts/index.m3u8', 2],
  ['fmp4/index.m3u8', 3],
];
/** Longer than what else there is to do before the first picture, ms. */
const ROUND_TRIP = 600;

for (const [name, trips] of KINDS) {
  test(`${name} is sought in, while it is paused`, async ({ stage, files }) => {
    const { asked } = files.folder;
    const begin = name.endsWith('m3u8') ? 0 : FIRST;
    await stage.open();
    files.folder.delay = ROUND_TRIP;
    await stage.play(files.url(name), { muted: true });
    const first = await stage.event('firstframe');
    files.folder.delay = 0;
    const story = asked.map(({ name, range, at }) => `${at} ${name} ${range ?? 'whole'}`).join('\n');
    const waited = (first.at - (asked[0]?.at ?? 0)) / ROUND_TRIP;
    note('round trips before the first picture', waited.toFixed(2));
    expect(waited, story).toBeLessThan(trips + 1);
    await stage.page.evaluate(() => globalThis.stage.players[0]?.pause());
    await expect.poll(async () => (await facts(stage)).seekable[1]).toBeGreaterThan(SECONDS - 0.2);
    const { duration, seekable, ...rest } = await facts(stage);
    expect(rest).toMatchObject({ streamType: 'on-demand', live: false, paused: true, ended: false });
    expect(duration).toBeLessThan(SECONDS + 0.2);
    expect(seekable[0]).toBeLessThan(0.1);
    expect(seekable[1]).toBeCloseTo(duration, 1);
    // Forward beyond what is there, back, to a keyframe and the picture before it.
    const took: number[] = [];
    for (const number of [1247, 613, 1320, 1319, 5]) {
      took.push(await seek(stage, begin + (number + 0.5) / FPS));
      await expectPicture(stage, number);
    }
    note('seeks, ms', took.map(Math.round).join(' '));
    await seek(stage, 50.5, 'fast');
    const { currentTime } = await facts(stage);
    // Of HLS, where a segment begins.
    expect(Math.abs(currentTime - 50.5)).toBeLessThanOrEqual(begin === 0 ? 4 : GOP / FPS);
    const shown = Math.round((currentTime - begin) * FPS);
    expect(shown % GOP, `the picture at ${currentTime}`).toBe(0);
    await expectPicture(stage, shown);
    await expect
      .poll(async () => {
        const [from = Number.NaN, to = Number.NaN] = (await facts(stage)).buffered;
        return from < currentTime + 0.05 && to > currentTime;
      }, 'the place is buffered')
      .toBe(true);
    expect((await facts(stage)).paused).toBe(true);
    expect(await stage.events('error')).toEqual([]);
  });
}

test('a server without ranges', async ({ stage, files }) => {
  await stage.open();
  await stage.play(files.url('first.mp4', '?whole'), { muted: true });
  await stage.event('playing');
  expect((await facts(stage)).seekable).toEqual([]);
  await stage.page.evaluate(() => {
    const [player] = globalThis.stage.players;
    if (player) player.currentTime = 55;
  });
  const { detail } = await stage.event('error');
  expect(detail).toMatchObject({ code: 1011, fatal: false });
  const { currentTime } = await facts(stage);
  await expect.poll(async () => (await facts(stage)).currentTime).toBeGreaterThan(currentTime);
});
