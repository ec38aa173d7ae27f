/** Mute is silence while the picture goes on; the sound comes back in sync; the volume is a factor. */
import { expectInOrder, expectInSync, median, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps, contexts } from './harness/sound.js';
import { expect, test } from './harness/test.js';

const SETTLE = 300;

test('muted while playing, then unmuted, then at a quarter of the volume', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  await stage.play(stream.http);
  const playing = await stage.event('playing');
  const cast = await Screencast.start(stage.page);
  await stage.wait(3);
  const set = (change: { muted?: boolean; volume?: number }) =>
    stage.page.evaluate(c => {
      Object.assign(globalThis.stage.players[0] ?? {}, c);
      return performance.timeOrigin + performance.now();
    }, change);

  const muted = await set({ muted: true });
  await stage.wait(2.5);
  const unmuted = await set({ muted: false });
  await stage.wait(4.2);
  const quiet = await set({ volume: 0.25 });
  await stage.wait(2.5);
  const shown = await cast.stop();
  const heard = await beeps(stage.page);

  const between = (from: number, to: number) => heard.filter(beep => beep.at > from + SETTLE && beep.at < to);
  expect(between(muted, unmuted)).toEqual([]);
  expectInOrder(shown, ROUND['counter-av']);
  expectInSync(within(shown, unmuted), between(unmuted, quiet), 3);
  const loud = median(between(playing.at, muted).map(beep => beep.peak));
  const low = median(between(quiet, Number.POSITIVE_INFINITY).map(beep => beep.peak));
  expect(low / loud).toBeGreaterThan(0.2);
  expect(low / loud).toBeLessThan(0.3);
  expect((await stage.events('volumechange')).map(e => e.detail)).toEqual([
    { muted: true, volume: 1 },
    { muted: false, volume: 1 },
    { muted: false, volume: 0.25 },
  ]);
});

test('muted from the start opens no sound output until it is unmuted', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  await stage.play(stream.http, { muted: true });
  await stage.event('playing');
  await stage.wait(1.5);
  expect((await stage.stats()).audio).toBe('off');
  const cast = await Screencast.start(stage.page);
  await stage.page.evaluate(() => {
    const player = globalThis.stage.players[0];
    if (player) player.muted = false;
  });
  await stage.wait(4.5);
  const shown = await cast.stop();
  expectInSync(shown.shown, await beeps(stage.page), 3);
  expectInOrder(shown, ROUND['counter-av']);
});

test('muted before the sound began opens no sound output', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  await stage.page.evaluate(url => {
    globalThis.stage.make({ url });
    const player = globalThis.stage.players[0];
    player?.play().catch(() => {});
    if (player) player.muted = true;
  }, stream.http);
  await stage.event('playing');
  await stage.wait(1.5);
  expect(await contexts(stage.page)).toEqual([]);
  expect((await stage.stats()).audio).toBe('off');
  await stage.page.evaluate(() => {
    const player = globalThis.stage.players[0];
    if (player) player.muted = false;
  });
  await expect.poll(async () => (await stage.stats()).audio).toBe('running');
});
