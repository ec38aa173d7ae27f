/** What is sent as enhanced FLV: the relay passes it on, and our own player plays it. */
import { beeps } from './harness/sound.js';
import { withDevices } from './harness/studio.js';
import { expect, test } from './harness/test.js';

test.use(withDevices());

test('VP9 with Opus, then AV1, while it is watched', async ({ stage, studio, servers }) => {
  const config = { video: { codec: 'vp9', keyframeInterval: 2 }, audio: { codec: 'opus' } } as const;
  await studio.publish(servers.relay.publish('codecs'), { config });
  await stage.open();
  await stage.play(servers.relay.http('codecs'));
  await stage.event('playing');
  await stage.wait(4);
  const first = await studio.stats();
  expect(first.videoCodec).toMatch(/^vp09/);
  expect(first.audioCodec).toBe('opus');
  const { quality, framesDecoded } = await stage.stats();
  expect(quality.decoder.video).toMatch(/^vp09/);
  expect(quality.decoder.audio).toMatch(/^opus/);
  expect(framesDecoded).toBeGreaterThan(30);

  await studio.setConfig({ video: { codec: 'av1' } });
  await expect
    .poll(async () => (await stage.stats()).quality.decoder.video, { timeout: 10_000 })
    .toMatch(/^av01/);
  await stage.wait(3);
  const after = await stage.stats();
  expect(after.state).toBe('playing');
  expect(after.framesDecoded - framesDecoded).toBeGreaterThan(30);
  expect((await studio.stats()).reconnects).toBe(0);
  expect((await beeps(stage.page)).length).toBeGreaterThanOrEqual(5);
});
