/** Sources that go away and come, others than a camera, and a page that nobody sees. */
import { readFileSync } from 'node:fs';
import { bothFile, CAMERA_FPS, deviceFlags } from '../fixtures/devices.mjs';
import { type Recorded, record } from '../interop/recorded.js';
import { calm } from './harness/calm.js';
import { ordinaryBrowser } from './harness/ordinary.js';
import { expectPictures, expectTogether, FPS, keptAs, note } from './harness/published.js';
import { Studio, withDevices } from './harness/studio.js';
import { expect, test } from './harness/test.js';

test.use(withDevices());

/** By how many ms Chromium's `captureStream()` of a file gives the picture later than its sound (seen in 156). */
const CAPTURED_LATE = 120;

/** The longest time between two packets of a kind, seconds. */
async function longestGap(recorded: Recorded, kind: 'video' | 'audio'): Promise<number> {
  const times = (await recorded.packets()).filter(packet => packet.kind === kind).map(({ dts }) => dts);
  return Math.max(...times.slice(1).map((dts, i) => dts - (times[i] ?? 0)));
}

/** Its pictures' numbers and its beeps say when each was due. */
async function expectFileInSync(recorded: Recorded): Promise<void> {
  const beeps = (await recorded.beeps()).slice(1).map(({ time }) => time * 1000);
  const all = (await recorded.pictures()).map(({ time, counter }) => ({
    at: time * 1000,
    counter: counter ?? -1,
  }));
  // The canvas' are in front of them.
  const pictures = all.slice(
    all.reduce((last, one, i) => (one.counter < (all[i - 1]?.counter ?? 0) ? i : last), 0),
  );
  const begin = pictures.at(-1);
  if (!begin || pictures.length < FPS) throw new Error('no pictures can be read');
  const due = (counter: number) => begin.at + ((counter - begin.counter) / CAMERA_FPS) * 1000;
  const captured = {
    pictures: pictures.map(({ counter }) => ({ at: due(counter), counter })),
    beeps: Array.from({ length: 9 }, (_, second) => due(second * CAMERA_FPS)),
  };
  expectTogether({ pictures, beeps }, captured, CAPTURED_LATE);
}

test('a microphone that is taken away, and a camera that dies: the stream goes on', async ({
  studio,
  servers,
}) => {
  const { relay } = servers;
  await studio.page.evaluate(async url => {
    const { studio } = globalThis;
    studio.make({ audio: { kind: 'stream', stream: await studio.call() } });
    await studio.publisher.start(url);
  }, relay.publish('sources'));
  const recording = record(relay.http('sources'), 8, keptAs('sources'));
  await studio.wait(2);

  await studio.page.evaluate(() => globalThis.studio.hold(true));
  expect((await studio.event('devicelost')).detail).toMatchObject({ kind: 'audio', muted: true });
  await studio.wait(1.5);
  await studio.page.evaluate(() => globalThis.studio.hold(false));
  expect((await studio.event('devicerecovered')).detail).toMatchObject({ kind: 'audio' });

  await studio.killCameras();
  expect((await studio.event('devicelost', { count: 2 })).detail).toMatchObject({
    kind: 'video',
    muted: false,
  });
  // It is opened again.
  expect((await studio.event('devicerecovered', { count: 2 })).detail).toMatchObject({ kind: 'video' });
  const before = await studio.stats();
  await studio.wait(2);
  const after = await studio.stats();
  expect(after.framesCaptured - before.framesCaptured).toBeGreaterThan(FPS);
  expect(after.reconnects).toBe(0);

  const recorded = await recording;
  expect(await recorded.errors(), 'what ffmpeg says').toBe('');
  expect(await longestGap(recorded, 'audio'), 'seconds without sound').toBeLessThan(0.2);
  expect(await longestGap(recorded, 'video'), 'seconds without a picture').toBeLessThan(2);
});

test('a canvas, then a file with its sound until its end, then the screen', async ({ studio, servers }) => {
  const { relay } = servers;
  await studio.page.evaluate(async url => {
    const { studio } = globalThis;
    studio.runClock();
    studio.make({ video: { kind: 'canvas', canvas: studio.canvas }, audio: 'none' });
    await studio.publisher.start(url);
  }, relay.publish('others'));
  const canvas = await record(relay.http('others'), 2, keptAs('canvas'));
  const drawn = (await canvas.pictures()).map(({ counter }) => counter ?? -1);
  expect(drawn.length).toBeGreaterThan(FPS);
  expect(drawn, 'each once and in order').toEqual([...new Set(drawn)].sort((a, b) => a - b));
  expect(drawn).not.toContain(-1);

  // As a blob: Playwright's own way would need an element to choose it with.
  const file = readFileSync(bothFile()).toString('base64');
  await studio.page.evaluate(async file => {
    const bytes = Uint8Array.from(atob(file), character => character.charCodeAt(0));
    const video = { kind: 'file', file: new Blob([bytes], { type: 'video/webm' }) } as const;
    await globalThis.studio.publisher.replaceSource({ video });
  }, file);
  await studio.wait(0.5);
  const played = await record(relay.http('others'), 6, keptAs('file'));
  expect(await played.errors(), 'what ffmpeg says').toBe('');
  await expectFileInSync(played);

  await studio.event('devicelost');
  const lost = await studio.stats();
  await studio.wait(2);
  const later = await studio.stats();
  expect(later.framesRepeated, 'the last picture, again').toBeGreaterThan(lost.framesRepeated);
  await studio.page.evaluate(() => globalThis.studio.publisher.replaceSource({ video: 'screen' }));
  await studio.event('devicerecovered');
  await studio.wait(2);
  const after = await studio.stats();
  expect(after.framesCaptured - later.framesCaptured).toBeGreaterThan(FPS);
  expect(after.reconnects).toBe(0);
});

test('a page that is hidden goes on', async ({ servers }) => {
  const { relay } = servers;
  const { context, close } = await ordinaryBrowser(deviceFlags());
  try {
    const studio = await Studio.open(context, relay.url);
    await calm();
    await studio.publish(relay.publish('hidden'));
    await studio.wait(1);
    const front = await context.newPage();
    await front.bringToFront();
    await expect.poll(() => studio.page.evaluate(() => document.visibilityState)).toBe('hidden');
    const hidden = Date.now();
    const before = await studio.stats();
    const recorded = await record(relay.http('hidden'), 7, keptAs('hidden'));
    const after = await studio.stats();
    const seconds = (Date.now() - hidden) / 1000;
    const fps = (after.framesEncoded - before.framesEncoded) / seconds;
    note('pictures a second, hidden', fps.toFixed(1));
    expect(fps).toBeGreaterThan(FPS - 2);
    expect(after.framesRepeated - before.framesRepeated).toBeLessThanOrEqual(2);
    expect(await recorded.errors(), 'what ffmpeg says').toBe('');
    await expectPictures(recorded);
    expect(studio.unexpected(), 'on the console').toEqual([]);
  } finally {
    await close();
  }
});
