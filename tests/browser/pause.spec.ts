/** Pause freezes picture and sound; play goes on near the live edge. */
import { expectInOrder, expectInSync, ROUND, within } from './harness/measures.js';
import { Screencast, steps } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { expect, test } from './harness/test.js';

/** What was on its way to the screen and the loudspeaker. */
const SETTLE = 300;

test('pause, then play', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.play(stream.http);
  await stage.event('playing');
  await stage.wait(1.5);

  await stage.page.evaluate(() => globalThis.stage.players[0]?.pause());
  const paused = Date.now();
  expect((await stage.event('pause')).player).toBe(0);
  await stage.wait(2.5);
  const resumed = Date.now();
  const position = (await stage.stats()).currentTime;
  await stage.page.evaluate(() => globalThis.stage.players[0]?.play());
  const played = Date.now();
  await stage.wait(4);

  const shown = await cast.stop();
  const heard = await beeps(stage.page);
  expect(within(shown, paused + SETTLE, resumed).map(s => s.counter)).toEqual([]);
  expect(heard.filter(beep => beep.at > paused + SETTLE && beep.at < resumed)).toEqual([]);
  expectInOrder({ ...shown, shown: within(shown, played) }, ROUND['counter-av']);
  expectInSync(
    within(shown, played),
    heard.filter(beep => beep.at > played + 500),
  );

  // The picture that was next when it paused may come first.
  const last = within(shown, 0, paused + SETTLE).at(-1);
  const next = within(shown, played + SETTLE)[0];
  expect(
    last && next && (steps([last, next], ROUND['counter-av'])[0] ?? 0),
    'frames left out',
  ).toBeGreaterThan(30);
  const stats = await stage.stats();
  expect(stats.currentTime - position, 'seconds left out and played').toBeGreaterThan(4.5);
  expect(stats.latency).toBeLessThan(2);
});
