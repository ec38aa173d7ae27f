/** HLS: renditions that the page chooses, and the live window of our own relay. */
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { act } from './harness/stage.js';
import { expect, test } from './harness/test.js';

test('the page chooses a rendition, and gives the choice back', async ({ stage, files }) => {
  await stage.open();
  await stage.play(files.url('main.m3u8'), { rendition: 1 });
  await stage.event('playing');
  const list = () =>
    act(stage, ({ videoRenditions }) =>
      [...videoRenditions].map(one => ({ ...one, selected: one.selected })),
    );
  expect(await list()).toMatchObject([
    {
      id: '0',
      width: 640,
      height: 360,
      bitrate: 900_000,
      frameRate: 30,
      codec: 'avc1.64001e,mp4a.40.2',
      selected: false,
    },
    { id: '1', width: 320, height: 180, selected: true },
  ]);
  expect((await stage.stats()).rendition).toBe('1');
  expect((await stage.event('resize')).detail).toEqual({ width: 320, height: 180 });

  await act(stage, player => (player.videoRenditions.selectedIndex = 0));
  expect((await stage.event('resize', { count: 2, seconds: 30 })).detail).toEqual({
    width: 640,
    height: 360,
  });
  expect((await stage.event('renditionchange', { count: 2 })).detail).toMatchObject({
    auto: false,
    rendition: { id: '0' },
  });
  expect(await act(stage, player => player.stats().stalls)).toBe(0);

  await act(stage, player => (player.videoRenditions.selectedIndex = -1));
  await stage.wait(1);
  expect((await list()).map(({ selected }) => selected)).toEqual([false, false]);
  expect((await stage.stats()).bandwidth).toBeGreaterThan(100_000);
  expect(await stage.events('error')).toEqual([]);
});

test("the relay's live stream plays near its edge, is left behind and found again", async ({
  stage,
  servers,
}) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  await stage.play(stream.http.replace(/flv$/, 'm3u8'));
  await stage.event('playing', { seconds: 15 });
  await stage.wait(3);
  const cast = await Screencast.start(stage.page);
  await stage.wait(3);
  expectInOrder(await cast.stop(), ROUND['counter-av']);
  const edge = await stage.stats();
  expect(edge.latency, 'low').toBeLessThan(2);
  expect(
    Math.abs((edge.endToEndLatency ?? Number.NaN) - edge.latency),
    'as the playlist dates it',
  ).toBeLessThan(0.5);
  const isLive = () => act(stage, player => player.currentTime >= player.liveEdgeStart);
  expect(await act(stage, player => [player.live, player.duration])).toEqual([
    true,
    Number.POSITIVE_INFINITY,
  ]);
  expect(await isLive()).toBe(true);

  await act(stage, player => (player.currentTime -= 5));
  await stage.event('seeked');
  await stage.event('playing', { count: 2 });
  await stage.wait(2);
  expect((await stage.stats()).latency, 'it is not caught up').toBeGreaterThan(edge.latency + 4);
  expect(await isLive()).toBe(false);
  await act(stage, player => player.goLive());
  await expect.poll(isLive).toBe(true);
  await stage.wait(1);
  expect((await stage.stats()).latency).toBeLessThan(2);
  expect(await stage.events('error')).toEqual([]);
});

for (const name of ['main.m3u8', 'first.mp4'] as const) {
  test(`${name}: what is asked for ahead is not asked for again`, async ({ stage, files }) => {
    await stage.open();
    const url = files.url(name);
    await stage.page.evaluate(async url => {
      globalThis.stage.sailcast.preload(url);
      await new Promise(resolve => setTimeout(resolve, 500));
    }, url);
    await stage.play(url);
    await stage.event('playing');
    const asked = files.asked.filter(one => one.name === name).map(({ range }) => range ?? 'all');
    expect(new Set(asked).size, asked.join()).toBe(asked.length);
    expect(asked[0]).toBe(name === 'main.m3u8' ? 'all' : 'bytes=0-524287');
    expect(await stage.events('error')).toEqual([]);
  });
}
