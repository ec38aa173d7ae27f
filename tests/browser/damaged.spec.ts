/** Damage between tags is skipped: the stream plays on, in order, with one warning and the bytes counted. */
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

test('random bytes in mid-stream', async ({ stage, servers }) => {
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.play(servers.faulty.http('damaged'));
  await stage.event('playing');
  await stage.wait(5);
  // Half of each GOP is lost: behind the damage there is nothing to show before the next keyframe.
  expectInOrder(await cast.stop(), ROUND['counter-av'], 0.35);
  const stats = await stage.stats();
  expect(stats.state).toBe('playing');
  expect(stats.skippedBytes).toBeGreaterThan(1000);
  const errors = (await stage.events('error')).map(e => e.detail);
  expect(errors.length).toBeGreaterThan(0);
  expect(errors.length).toBeLessThanOrEqual(4);
  for (const error of errors)
    expect(error).toMatchObject({ details: 'dataDamaged', code: 2003, fatal: false });
});

test('a spoilt picture is not shown by software, nor what refers to it; the decoder goes on', async ({
  stage,
  servers,
}) => {
  await stage.open();
  const cast = await Screencast.start(stage.page);
  await stage.play(servers.faulty.http('corrupt'), { decoder: 'wasm' });
  await stage.event('playing');
  await stage.wait(7);
  // No torn or blurred counter; half of each GOP is missing.
  expectInOrder(await cast.stop(), ROUND['counter-av'], 0.35);
  const stats = await stage.stats();
  expect(stats.state).toBe('playing');
  expect(stats.videoDecoder).toBe('wasm');
  const errors = (await stage.events('error')).map(e => e.detail);
  expect(errors.length).toBeGreaterThan(0);
  for (const error of errors) {
    expect(error).toMatchObject({ details: 'dataDamaged', fatal: false });
    expect(error.message).toMatch(/left out a packet/);
  }
  expect(stats.reconnects).toBe(0);
});
