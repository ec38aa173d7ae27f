/** At any rate each beep is as far from the next as it should be, as long, and as high; a loop has no seam. */
import { expectInOrder, median, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { note } from './harness/published.js';
import { SECONDS } from './harness/recordings.js';
import { beeps } from './harness/sound.js';
import { act } from './harness/stage.js';
import { expect, test } from './harness/test.js';

/** Of the fixture's beeps, Hz. */
const PITCH = 1000;

test('the pitch is kept', async ({ stage, files }) => {
  await stage.open();
  await stage.play(files.url('first.mp4'));
  await stage.event('playing');
  for (const [rate, seconds] of [
    [0.5, 6],
    [2, 3],
    [3, 3],
  ] as const) {
    await act(stage, (player, rate) => (player.playbackRate = rate), rate);
    await stage.wait(0.7);
    const before = (await beeps(stage.page)).length;
    await stage.wait(seconds);
    const heard = (await beeps(stage.page)).slice(before).slice(1);
    const gaps = heard.slice(1).map((beep, i) => beep.at - (heard[i]?.at ?? 0));
    const story = heard.map(b => `${b.length.toFixed(0)} ms of ${b.pitch.toFixed(0)} Hz`).join(', ');
    note(`beeps at ${rate}`, story);
    expect(heard.length, story).toBeGreaterThanOrEqual(2);
    expect(Math.abs(median(gaps) * rate - 1000), gaps.join()).toBeLessThan(60);
    expect(Math.abs(median(heard.map(({ pitch }) => pitch)) - PITCH), story).toBeLessThan(30);
    expect(Math.abs(median(heard.map(({ length }) => length)) * rate - 100), story).toBeLessThan(30);
  }
  expect((await stage.stats()).stalls).toBe(0);
  expect(await stage.events('error')).toEqual([]);
});

test('a loop goes on without a stop', async ({ stage, files }) => {
  await stage.open();
  await stage.play(files.url('first.mp4'), { loop: true, startTime: SECONDS - 3 });
  await stage.event('playing');
  const cast = await Screencast.start(stage.page);
  await stage.wait(6);
  const seen = await cast.stop();
  expectInOrder(seen, ROUND['counter-av']);
  const gaps = seen.shown.slice(1).map(({ at }, i) => at - (seen.shown[i]?.at ?? 0));
  note('longest time from picture to picture, ms', Math.max(...gaps).toFixed(0));
  expect(Math.max(...gaps), 'ms from picture to picture').toBeLessThan(400);
  expect(await stage.stats()).toMatchObject({ stalls: 0 });
  expect(await stage.events('ended')).toEqual([]);
});
