/** What can happen to a sound device while it plays: the picture goes on, and the sound comes back by itself. */
import { expectInSync } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { type Beep, beeps, contexts } from './harness/sound.js';
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

type Heard = { contexts: AudioContext[] };

/** Does something to the newest sound device, as the system or another script might. */
function harm(stage: Stage, what: (context: AudioContext) => void): Promise<void> {
  return stage.page.evaluate(what => {
    const { contexts } = (globalThis as unknown as { heard: Heard }).heard;
    const context = contexts.at(-1);
    if (!context) throw new Error('no sound device');
    // biome-ignore lint/security/noGlobalEval: a test's own function, sent as text
    globalThis.eval(`(${what})`)(context);
  }, `${what}`);
}

async function playing(stage: Stage, url: string): Promise<void> {
  await stage.open();
  await stage.play(url);
  await stage.event('playing');
  await expect.poll(async () => (await stage.stats()).audio).toBe('running');
}

const audio = (stage: Stage) => async () => (await stage.stats()).audio;
const after = (heard: Beep[], at: number) => heard.filter(beep => beep.at > at);

/** Pictures are shown, whatever the sound does. */
async function expectPictures(stage: Stage, seconds: number): Promise<void> {
  const before = await stage.stats();
  await stage.wait(seconds);
  const rendered = (await stage.stats()).framesRendered - before.framesRendered;
  expect(rendered, 'pictures while there is no sound').toBeGreaterThan(seconds * 10);
}

/** Sound and picture are together again. */
async function expectSoundAgain(stage: Stage): Promise<void> {
  await expect.poll(audio(stage), { timeout: 15_000 }).toBe('running');
  const cast = await Screencast.start(stage.page);
  const from = Date.now();
  await stage.wait(4.5);
  const { shown } = await cast.stop();
  expectInSync(shown, after(await beeps(stage.page), from + 500), 2);
  expect(await stage.events('error')).toEqual([]);
  expect(await stage.events('autoplayblocked')).toEqual([]);
  expect((await stage.stats()).state).toBe('playing');
}

test('suspended by somebody else, it goes on', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await playing(stage, stream.http);
  await harm(stage, context => context.suspend());
  await expectSoundAgain(stage);
  expect(await contexts(stage.page)).toEqual(['running']);
});

test('interrupted by a call, it is off until the call is over', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await playing(stage, stream.http);
  await harm(stage, context => {
    Object.defineProperty(context, 'state', { get: () => 'interrupted', configurable: true });
    context.dispatchEvent(new Event('statechange'));
  });
  await expect.poll(audio(stage)).toBe('suspended');
  await expectPictures(stage, 2);
  await harm(stage, context => {
    Reflect.deleteProperty(context, 'state');
    context.dispatchEvent(new Event('statechange'));
  });
  await expectSoundAgain(stage);
});

test('closed by somebody else, it is replaced', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await playing(stage, stream.http);
  await harm(stage, context => context.close());
  await expectSoundAgain(stage);
  expect(await contexts(stage.page)).toEqual(['closed', 'running']);
});

test('a device that fails is replaced', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await playing(stage, stream.http);
  await harm(stage, context => context.dispatchEvent(new Event('error')));
  await expectSoundAgain(stage);
  expect(await contexts(stage.page)).toEqual(['closed', 'running']);
});

test('a device that says it runs and stands still is noticed and replaced', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await playing(stage, stream.http);
  await harm(stage, context => Object.defineProperty(context, 'currentTime', { get: () => 7 }));
  await expect.poll(audio(stage), { timeout: 10_000 }).toBe('suspended');
  await expectPictures(stage, 1);
  await expectSoundAgain(stage);
  expect(await contexts(stage.page)).toEqual(['closed', 'running']);
});

test('another device with another latency is allowed for', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await playing(stage, stream.http);
  const before = (await stage.stats()).audioLatency;
  await harm(stage, context => {
    Object.defineProperty(context, 'outputLatency', { get: () => 0.2 });
    context.dispatchEvent(new Event('sinkchange'));
  });
  await expect.poll(async () => (await stage.stats()).audioLatency).toBeGreaterThanOrEqual(0.2);
  expect(before).toBeLessThan(0.2);
  await expectPictures(stage, 2);
  expect((await stage.stats()).audio).toBe('running');
});

test('players share one device, each with its own volume; it closes with the last', async ({
  stage,
  servers,
}) => {
  const stream = await servers.stream('relay', 'counter-av');
  await playing(stage, stream.http);
  await stage.play(stream.http, { volume: 0.5 });
  await stage.play(stream.http, { muted: true });
  await stage.event('playing', { count: 3 });
  await expect.poll(async () => (await stage.stats(1)).audio).toBe('running');
  expect((await stage.stats(2)).audio).toBe('off');
  expect(await contexts(stage.page)).toEqual(['running']);

  const alone = Date.now();
  await stage.page.evaluate(() => globalThis.stage.players[0]?.destroy());
  await stage.wait(3.2);
  const quiet = after(await beeps(stage.page), alone + 500);
  expect(quiet.length).toBeGreaterThanOrEqual(2);
  for (const beep of quiet) expect(beep.peak).toBeLessThan(0.3);
  expect(await contexts(stage.page)).toEqual(['running']);

  await stage.page.evaluate(() => globalThis.stage.players[1]?.destroy());
  await expect.poll(() => contexts(stage.page)).toEqual(['closed']);
});
