/** Camera and microphone published by Chromium: what the servers give out of it, and what our own player shows. */
import { Recorded, record } from '../interop/recorded.js';
import { startCollector } from './harness/collector.js';
import { expectSound, within } from './harness/measures.js';
import { Screencast, steps } from './harness/pictures.js';
import {
  CAMERA_ROUND,
  expectKeptInSync,
  expectPictures,
  expectShownInSync,
  expectWhole,
  FPS,
  GOP,
  keptAs,
} from './harness/published.js';
import { beeps } from './harness/sound.js';
import { withDevices } from './harness/studio.js';
import { expect, test } from './harness/test.js';
import { captured } from './harness/truth.js';

test.use(withDevices());

/** The bitrate is on its way up, with a keyframe at each step, until then; seconds. */
const SETTLED = GOP + 0.5;

test('to our relay: whole and in sync, watched, recorded, and changed by a document', async ({
  stage,
  studio,
  servers,
}) => {
  test.setTimeout(90_000);
  const { relay } = servers;
  const collector = await startCollector();
  try {
    collector.config = { version: 1, global: { video: { bitrate: 700_000 } } };
    await studio.publish(relay.publish('camera'), { configUrl: collector.url('/config') });
    const { bitrate } = await studio.page.evaluate(async () => {
      const { publisher } = globalThis.studio;
      await publisher.startRecording();
      return publisher.config.video;
    });
    expect(bitrate).toBe(700_000);
    await studio.wait(SETTLED);
    const recorded = await record(relay.http('camera'), 9, keptAs('camera'));
    const { at: began } = await studio.event('publishing');
    const given = { recorded, began, captured: await captured(studio.page) };
    await expectWhole(given, 9);
    await expectKeptInSync(given);

    await stage.open();
    const cast = await Screencast.start(stage.page);
    await stage.play(relay.http('camera'));
    const { at: playing } = await stage.event('playing');
    await stage.wait(6);
    const shown = within(await cast.stop(), playing + 1000);
    expect(shown.length, 'pictures seen').toBeGreaterThan(5 * FPS * 0.5);
    expect(steps(shown, CAMERA_ROUND).filter(step => step <= 0)).toEqual([]);
    const heard = await beeps(stage.page);
    expectSound(heard.slice(1));
    expectShownInSync(shown, heard, await captured(studio.page));

    const config = { resolution: '360P', bitrate: 400_000, fps: 10, keyframeInterval: 2 };
    collector.config = { version: 1, global: { video: config } };
    await studio.page.evaluate(() => globalThis.studio.publisher.refreshConfig());
    await studio.event('configchange', { count: 2 });
    await expect
      .poll(async () => await stage.page.evaluate(() => globalThis.stage.players[0]?.videoWidth), {
        timeout: 5000,
      })
      .toBe(640);
    await studio.wait(3);
    const stats = await studio.stats();
    expect(stats).toMatchObject({ width: 640, height: 360, targetFps: 10, targetBitrate: 400_000 });
    expect(stats.reconnects).toBe(0);
    expect(Math.abs(stats.encodedFps - 10), JSON.stringify(stats)).toBeLessThan(1.5);
    expect(stats.sentBitrate).toBeLessThan(600_000);
    expect((await stage.stats()).state).toBe('playing');

    await studio.page.evaluate(() => {
      globalThis.studio.publisher.muted = true;
    });
    await studio.wait(1.5);
    const blob = await studio.page.evaluate(async () => {
      const recording = await globalThis.studio.publisher.stopRecording();
      const bytes = new Uint8Array((await recording?.arrayBuffer()) ?? []);
      let text = '';
      for (const byte of bytes) text += String.fromCharCode(byte);
      return btoa(text);
    });
    const kept = Recorded.keep(Buffer.from(blob, 'base64'), keptAs('recording'));
    expect(await kept.errors(), 'what ffmpeg says').toBe('');
    await expectPictures(kept);
    const last = (await kept.beeps()).at(-1)?.time ?? 0;
    const end = (await kept.packets()).at(-1)?.dts ?? 0;
    expect(end - last, 'seconds without a beep since it is muted').toBeGreaterThan(1);
    await studio.stop();
    expect((await studio.event('ended')).detail).toBeNull();
    await stage.event('ended');
    expect((await studio.events('error')).length).toBe(0);
  } finally {
    await collector.stop();
  }
});

test('to node-media-server', async ({ studio, servers }) => {
  const server = await servers.nodeMediaServer();
  await studio.publish(server.publishWs('camera'));
  await studio.wait(SETTLED);
  const recorded = await record(server.http('camera'), 9, keptAs('camera'));
  const { at: began } = await studio.event('publishing');
  const given = { recorded, began, captured: await captured(studio.page) };
  await expectWhole(given, 9);
  await expectKeptInSync(given);
  expect((await studio.stats()).reconnects).toBe(0);
});
