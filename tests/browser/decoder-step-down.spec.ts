/** A decoder that fails while it plays: another takes over, the last picture stays until there is the next, and the sound goes on. */
import type { Page } from '@playwright/test';
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

/** The page's session worker. */
async function session(page: Page) {
  const worker = page.workers().find(worker => worker.url().endsWith('/internal/worker.js'));
  if (!worker) throw new Error('no session');
  return worker;
}

/** From now on the browser's video decoders fail, those that run and those to come, as when a GPU process dies for good. */
async function breakWebCodecs(page: Page): Promise<void> {
  await (await session(page)).evaluate(() => {
    VideoDecoder.prototype.decode = () => {
      throw new DOMException('Decoding error.', 'EncodingError');
    };
  });
}

/** The longest time without a new picture after `from`, ms. */
function longestGap(shown: readonly { at: number }[], from: number): number {
  const times = shown.map(({ at }) => at);
  return Math.max(...times.slice(1).map((at, i) => (at > from ? at - (times[i] ?? at) : 0)));
}

async function playing(stage: Stage, url: string, options: object = {}): Promise<void> {
  await stage.open();
  await stage.play(url, options);
  await stage.event('playing');
  await stage.wait(1.5);
}

test('WebCodecs fails in mid-play: software goes on within a second, and no picture is black', async ({
  stage,
  servers,
}) => {
  const stream = await servers.stream('relay', 'counter-av');
  await playing(stage, stream.http);
  const cast = await Screencast.start(stage.page);
  await stage.wait(1);
  const broken = Date.now();
  await breakWebCodecs(stage.page);
  const change = await stage.event('decoderchange');
  expect(change.detail).toEqual({ kind: 'video', from: 'webcodecs', to: 'wasm', reason: 'failed' });
  expect(change.at - broken).toBeLessThan(1000);
  await stage.wait(4);
  const shown = await cast.stop();
  // A black picture has no counter.
  expectInOrder(shown, ROUND['counter-av'], 0.3);
  expect(longestGap(shown.shown, broken), 'ms without a new picture').toBeLessThan(1000);
  expect((await stage.stats()).videoDecoder).toBe('wasm');
  expect((await stage.stats()).audioDecoder).toBe('webcodecs');
  const heard = (await beeps(stage.page)).filter(({ at }) => at > broken - 1000);
  expect(heard.length).toBeGreaterThanOrEqual(4);
  for (const beep of heard) expect(beep.hole).toBe(0);
  expect((await stage.events('error')).filter(({ detail }) => detail.fatal)).toEqual([]);
});

test('WebCodecs alone fails for good: one error, and the sound goes on', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await playing(stage, stream.http, { decoder: 'webcodecs' });
  await breakWebCodecs(stage.page);
  // Another connection might bring something better, once.
  await expect
    .poll(async () => (await stage.events('error')).map(({ detail }) => detail.details), { timeout: 15_000 })
    .toContain('videoDecoderFailed');
  const since = Date.now();
  await stage.wait(4);
  const errors = (await stage.events('error')).filter(({ at }) => at > since);
  expect(errors).toEqual([]);
  const heard = (await beeps(stage.page)).filter(({ at }) => at > since);
  expect(heard.length).toBeGreaterThanOrEqual(3);
  for (const beep of heard) expect(beep.hole).toBe(0);
  expect((await stage.stats()).reconnects).toBeLessThan(3);
  expect(await stage.events('decoderchange')).toEqual([]);
});

test('a module that traps is made anew at the next keyframe', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  // Of each worker the first two instances trap at their 60th packet.
  await stage.page.context().route('**/internal/codecs/worker.js', async route => {
    const response = await route.fetch();
    const trap = `
      const { Instance } = WebAssembly;
      let instances = 0;
      WebAssembly.Instance = function (module) {
        const { exports } = new Instance(module);
        let left = instances++ < 2 ? 60 : Infinity;
        const decode = (...packet) => {
          if (--left < 0) {
            globalThis.traps = (globalThis.traps ?? 0) + 1;
            throw new WebAssembly.RuntimeError('unreachable');
          }
          return exports.decode(...packet);
        };
        return { exports: { ...exports, decode } };
      };`;
    await route.fulfill({ response, body: trap + (await response.text()) });
  });
  await playing(stage, stream.http, { decoder: 'wasm' });
  const cast = await Screencast.start(stage.page);
  await stage.wait(8);
  const shown = await cast.stop();
  expectInOrder(shown, ROUND['counter-av'], 0.3);
  expect((await stage.stats()).state).toBe('playing');
  expect((await stage.events('error')).filter(({ detail }) => detail.fatal)).toEqual([]);
  const codecs = stage.page.workers().filter(worker => worker.url().includes('/codecs/'));
  expect(codecs.length, 'the worker of the trapped one is used again').toBe(2);
  const traps = await Promise.all(
    codecs.map(worker => worker.evaluate(() => (globalThis as { traps?: number }).traps)),
  );
  expect(traps).toEqual([2, 2]);
});
