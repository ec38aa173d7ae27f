/** From one definition to another: no picture is missing, comes twice or stands, and the sound goes on as if nothing had been. */
import { publishDefinitions, renditions } from './harness/definitions.js';
import { note } from './harness/published.js';
import { BEFORE, BEHIND, between, changesOf, expectSeamless, figures, seen, watch } from './harness/seams.js';
import { act, type Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';
import { Throttle } from './harness/throttle.js';
import { tape } from './harness/tone.js';

const choose = (stage: Stage, to: number) =>
  act(stage, ({ videoRenditions }, to) => (videoRenditions.selectedIndex = to), to);

const countOf = async (stage: Stage) => (await stage.events('renditionchange')).length;

/** Waits until the `count`th change to it has been played for a moment; when it was told. */
async function made(stage: Stage, count: number, to: number): Promise<number> {
  const { at, detail } = await stage.event('renditionchange', { count });
  expect(detail).toMatchObject({ rendition: { id: `${to}` } });
  await stage.wait((BEHIND + 100) / 1000);
  return at;
}

test('live FLV, by hand: over HTTP and over WebSocket, given up in mid-air, and while paused', async ({
  stage,
  servers,
}) => {
  const { relay } = servers;
  const publisher = await publishDefinitions(relay);
  try {
    await tape(stage.page);
    await stage.open();
    await stage.play(renditions(relay.http), { rendition: 0 });
    await stage.event('playing');
    await stage.wait(1.5);
    await watch(stage);
    const from = Date.now();
    await stage.wait(3);
    const to = Date.now();
    const told: number[] = [];
    for (const rendition of [1, 0, 1, 0]) {
      const count = (await countOf(stage)) + 1;
      await choose(stage, rendition);
      told.push(await made(stage, count, rendition));
    }
    const count = await countOf(stage);
    await choose(stage, 1);
    await choose(stage, 0);
    await choose(stage, 1);
    told.push(await made(stage, count + 1, 1));

    await stage.load({ renditions: renditions(relay.ws), rendition: 1 });
    await stage.event('playing', { count: 2 });
    await stage.wait(1.5);
    for (const rendition of [0, 1]) {
      const count = (await countOf(stage)) + 1;
      await choose(stage, rendition);
      told.push(await made(stage, count, rendition));
    }
    expect(await stage.stats()).toMatchObject({ reconnects: 0 });
    const all = await seen(stage);
    expectSeamless(changesOf(all, told), between(all, from, to));

    await act(stage, player => player.pause());
    await choose(stage, 0);
    await stage.wait(0.3);
    await act(stage, player => player.play());
    await expect.poll(async () => (await stage.stats()).rendition).toBe('0');
    await expect.poll(async () => (await stage.events('resize')).at(-1)?.detail.width).toBe(640);
    expect(await stage.events('error')).toEqual([]);
  } finally {
    await publisher.stop();
  }
});

/** bit/s: enough for the smaller one alone. */
const NARROW = 400_000;
/** The longest that a picture stands that nobody calls a stop, ms; a busy machine holds some back for a moment. */
const NO_STOP = 400;

test('live FLV, by itself: down where the network is narrow, and up again', async ({ stage, servers }) => {
  const publisher = await publishDefinitions(servers.relay);
  const throttle = await Throttle.start(servers.relay.url);
  try {
    await tape(stage.page);
    await stage.open();
    await stage.play(renditions(name => throttle.url(servers.relay.http(name))));
    await stage.event('playing');
    await watch(stage);
    const played = async () => (await stage.stats()).rendition;
    expect(await played()).toBe('0');
    await stage.wait(2);
    const narrow = Date.now();
    throttle.down = NARROW;
    const { at: down } = await stage.event('renditionchange', { count: 2, seconds: 15 });
    note('down after, s', ((down - narrow) / 1000).toFixed(1));
    await stage.wait(2);
    const wide = Date.now();
    throttle.down = Number.POSITIVE_INFINITY;
    const { at: up } = await stage.event('renditionchange', { count: 3, seconds: 40 });
    note('up after, s', ((up - wide) / 1000).toFixed(1));
    await stage.wait((BEHIND + 100) / 1000);
    const all = await seen(stage);
    const after = figures(between(all, down + 1000, up + BEHIND));
    expect(after, 'pictures in order').toMatchObject({ wrong: 0 });
    expect(after.held, 'no stop once it is down').toBeLessThan(NO_STOP);
    expectSeamless(changesOf(all, [up]), between(all, up - BEFORE - 4000, up - BEFORE));
    const changes = (await stage.events('renditionchange')).map(({ detail }) => detail);
    expect(changes.map(({ rendition, auto }) => [rendition.id, auto])).toEqual([
      ['0', true],
      ['1', true],
      ['0', true],
    ]);
    expect(await stage.events('error')).toEqual([]);
  } finally {
    await throttle.stop();
    await publisher.stop();
  }
});

test('HLS, by hand: at once, in mid-air, while paused, and behind a seek', async ({ stage, files }) => {
  await tape(stage.page);
  await stage.open();
  await stage.play(files.url('rising.m3u8'), { rendition: 0 });
  await stage.event('playing');
  await stage.wait(0.5);
  await watch(stage);
  const from = Date.now();
  await stage.wait(2);
  const to = Date.now();
  await choose(stage, 1);
  const told = [await made(stage, 2, 1)];
  for (const rendition of [0, 1, 0]) await choose(stage, rendition);
  told.push(await made(stage, 3, 0));
  expect(await countOf(stage), 'the others were not seen').toBe(3);

  await act(stage, player => player.pause());
  await choose(stage, 1);
  await stage.wait(0.5);
  await act(stage, player => player.play());
  told.push(await made(stage, 4, 1));

  await act(stage, player => {
    player.currentTime = 5;
    player.videoRenditions.selectedIndex = 0;
  });
  const seeked = await stage.event('seeked');
  const last = await made(stage, 5, 0);
  expect(await stage.stats()).toMatchObject({ stalls: 0 });
  const all = await seen(stage);
  const behind = between(all, seeked.at + 300, last + BEHIND);
  expectSeamless([...changesOf(all, told), behind], between(all, from, to));
  expect(await stage.events('error')).toEqual([]);
});
