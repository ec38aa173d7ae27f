/** Camera and microphone published by Chromium: what the servers give out of it, and what our own player shows. */
import { startNginx } from '../interop/nginx.js';
import { play, tracks } from '../interop/playback.js';
import { until } from '../interop/process.js';
import { Recorded, record } from '../interop/recorded.js';
import { startGateway } from '../interop/relay.js';
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
import { Throttle } from './harness/throttle.js';
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

test('to node-media-server, also when the connection breaks', async ({ studio, servers }) => {
  const server = await servers.nodeMediaServer();
  const throttle = await Throttle.start(server.http(''));
  try {
    await studio.publish(throttle.url(server.publishWs('camera')));
    await studio.wait(SETTLED);
    const recorded = await record(server.http('camera'), 9, keptAs('camera'));
    const { at: began } = await studio.event('publishing');
    const given = { recorded, began, captured: await captured(studio.page) };
    await expectWhole(given, 9);
    await expectKeptInSync(given);
    expect((await studio.stats()).reconnects).toBe(0);

    const seen = record(server.http('camera'), 7, keptAs('broken'));
    await studio.wait(1);
    studio.allow(/WebSocket/);
    throttle.kill();
    await studio.event('publishing', { count: 2 });
    const across = await seen;
    const times = (await across.packets()).filter(({ kind }) => kind === 'video').map(({ dts }) => dts);
    // The server puts what begins anew at 0 on top of the last time it had: once, two are the same.
    expect(times.filter((dts, i) => dts < (times[i - 1] ?? -1))).toEqual([]);
    expect(times.length).toBeGreaterThan(4 * FPS);
    expect((await across.pictures()).length, 'pictures decoded').toBe(times.length);
  } finally {
    await throttle.stop();
  }
});

test('through the relay into nginx-rtmp, as HLS', async ({ studio }) => {
  const nginx = await startNginx();
  const relay = await startGateway(nginx.application);
  try {
    await studio.publish(relay.ws('camera'), { config: { video: { keyframeInterval: 2 } } });
    const playlist = nginx.hls('camera');
    await until('a segment', async () => (await fetch(playlist)).ok, 20);
    await studio.wait(4);
    expect(await tracks(playlist)).toEqual(['aac', 'h264,896,504']);
    const played = await play(playlist, 3);
    expect(played.errors).toBe('');
    expect(played.frames).toBeGreaterThan(2 * FPS);
  } catch (error) {
    throw new Error(`${error}\nrelay: ${relay.output()}\nnginx: ${nginx.output()}`, { cause: error });
  } finally {
    await relay.stop();
    await nginx.stop();
  }
});
