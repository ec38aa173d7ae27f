/** A stream of pictures alone keeps the clock's time; a stream of sound alone plays without a picture. */
import { expectInOrder, expectSound, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps, contexts } from './harness/sound.js';
import { expect, test } from './harness/test.js';

test('video only', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'video-only');
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.play(stream.http);
  await stage.event('firstframe');
  await stage.event('playing');
  await stage.wait(4);
  expectInOrder(await cast.stop(), ROUND['video-only']);
  const stats = await stage.stats();
  expect(stats.audioPackets).toBe(0);
  expect(stats.avOffset).toBeNull();
  expect(stats.latency).toBeLessThan(2);
  expect((await contexts(stage.page)).filter(state => state === 'running')).toEqual([]);
});

test('audio only', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'audio-only');
  await stage.open();
  await stage.play(stream.http);
  const playing = await stage.event('playing');
  await stage.wait(5);
  const STRETCH = 8;
  expectSound(
    (await beeps(stage.page)).filter(beep => beep.at > playing.at + 500),
    3,
    STRETCH,
  );
  const stats = await stage.stats();
  expect(stats.state).toBe('playing');
  expect(stats.videoPackets).toBe(0);
  expect(stats.latency).toBeLessThan(2);
  expect(await stage.events('firstframe')).toEqual([]);
});
