/** Each way to decode shows the stream in order and is heard in sync; what decodes is told. */
import { expectInOrder, expectInSync, expectSound, ROUND, within } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { expect, test } from './harness/test.js';

for (const [decoder, fixture, renderer] of [
  ['webcodecs', 'counter-av', 'track'],
  ['wasm', 'counter-av', 'track'],
  ['wasm', 'counter-av', 'canvas'],
  ['wasm', 'counter-av', 'webgl'],
  ['wasm', 'counter-bframes', 'track'],
] as const) {
  test(`${fixture} decoded by ${decoder}, drawn by ${renderer}`, async ({ stage, servers }) => {
    const stream = await servers.stream('relay', fixture);
    await stage.open();
    const cast = await Screencast.start(stage.page);
    await stage.play(stream.http, { decoder, renderer });
    const playing = await stage.event('playing');
    await stage.wait(6);
    const stats = await stage.stats();
    const shown = await cast.stop();
    expectInOrder(shown, ROUND[fixture]);
    if (fixture === 'counter-av') {
      const heard = (await beeps(stage.page)).filter(beep => beep.at > playing.at + 500);
      expectSound(heard);
      expectInSync(within(shown, playing.at), heard);
      expect(stats.audioDecoder).toBe(decoder);
    }
    expect(stats.videoDecoder).toBe(decoder);
    expect(stats.quality.decoder.video).toMatch(new RegExp(`^avc1\\..* ${decoder}$`));
    const changes = (await stage.events('decoderchange')).map(({ detail }) => detail);
    const forced = { from: null, to: 'wasm', reason: 'forced' };
    expect(changes.filter(({ kind }) => kind === 'video')).toEqual(
      decoder === 'wasm' ? [{ kind: 'video', ...forced }] : [],
    );
    expect(await stage.events('error')).toEqual([]);
  });
}

test('720p30 in software keeps up', async ({ stage, servers }) => {
  await stage.open();
  await stage.play(servers.relay.http('demo'), { decoder: 'wasm' });
  await stage.event('playing');
  await stage.wait(3);
  const before = await stage.stats();
  await stage.wait(6);
  const after = await stage.stats();
  expect(after.videoDecoder).toBe('wasm');
  const shown = after.framesRendered - before.framesRendered;
  const dropped = after.framesDropped - before.framesDropped;
  expect(shown).toBeGreaterThan(6 * 30 * 0.9);
  expect(dropped).toBeLessThan(shown * 0.02);
  expect(after.stalls).toBe(0);
  expect(await stage.events('degraded')).toEqual([]);
});

test('a codec worker ends with its decoder, and other players keep theirs', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  const codecs = () => stage.page.workers().filter(worker => worker.url().includes('/codecs/')).length;
  await stage.play(stream.http, { decoder: 'wasm' });
  await stage.event('playing');
  await stage.play(stream.http, { decoder: 'wasm' });
  await stage.event('playing', { count: 2 });
  // Two for pictures, one for the sound of both.
  await expect.poll(codecs).toBe(3);
  await stage.page.evaluate(() => globalThis.stage.players[0]?.destroy());
  await expect.poll(codecs, { timeout: 8000 }).toBe(2);
  const before = (await stage.stats(1)).framesRendered;
  await stage.wait(1);
  expect((await stage.stats(1)).framesRendered).toBeGreaterThan(before + 15);
  await stage.page.evaluate(() => globalThis.stage.players[1]?.destroy());
  await expect.poll(codecs, { timeout: 8000 }).toBe(0);
});

test('a module that is not there is an error that says so', async ({ stage, servers }) => {
  stage.allow(/Failed to load resource/);
  await stage.page.context().route('**/codecs/*.wasm', route => route.fulfill({ status: 404 }));
  await stage.open();
  await stage.play(servers.faulty.http('live'), { decoder: 'wasm' });
  const fatal = async () => (await stage.events('error')).find(({ detail }) => detail.fatal)?.detail;
  await expect.poll(fatal, { timeout: 20_000 }).toMatchObject({ type: 'decode' });
  expect((await fatal()).message).toMatch(/codecs\/.*\.wasm could not be loaded: Error: HTTP 404/);
});

test('what would decode a stream, before there is one', async ({ stage }) => {
  await stage.open();
  const ask = (request: object) =>
    stage.page.evaluate(
      request => globalThis.stage.sailcast.Player.probe(request as { codec: string }),
      request,
    );
  expect(await ask({ codec: 'avc1.64001f', width: 1280, height: 720, fps: 30 })).toEqual({
    path: 'webcodecs',
    smooth: true,
  });
  const small = { codec: 'avc1.64001f', width: 320, height: 180, fps: 15, decoder: 'wasm' };
  expect(await ask(small)).toEqual({ path: 'wasm', smooth: true });
  expect(await ask({ ...small, width: 7680, height: 4320, fps: 120 })).toEqual({
    path: 'wasm',
    smooth: false,
  });
  // Chromium of Debian has no HEVC.
  expect(await ask({ codec: 'hvc1.1.6.L93.B0', width: 320, height: 180, fps: 15 })).toEqual({
    path: 'wasm',
    smooth: true,
  });
  expect(await ask({ codec: 'hvc1.1.6.L93.B0', decoder: 'webcodecs' })).toEqual({
    path: null,
    smooth: false,
  });
  expect(await ask({ codec: 'mp4a.40.2' })).toEqual({ path: 'webcodecs', smooth: true });
  expect(await ask({ codec: 'alaw' })).toMatchObject({ smooth: true });
  expect(await ask({ codec: 'nonsense' })).toEqual({ path: null, smooth: false });
});
