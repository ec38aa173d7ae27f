/** Live HLS of two sizes on a network that becomes narrow: the player changes by itself, down and up again, without a stop. */
import { Folder } from './harness/folder.js';
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { note } from './harness/published.js';
import { recording } from './harness/recordings.js';
import { expect, test } from './harness/test.js';
import { sliding } from './harness/window.js';

const MAIN = `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=640x360,CODECS="avc1.64001e,mp4a.40.2",FRAME-RATE=30
brisk.live.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=250000,RESOLUTION=320x180,CODECS="avc1.64000d,mp4a.40.2",FRAME-RATE=30
brisk-small.live.m3u8
`;
/** Enough for the smaller one alone, bit/s. */
const NARROW = 350_000;

test('down where the network is narrow, and up again', async ({ stage }) => {
  for (const name of ['brisk/index.m3u8', 'brisk-small/index.m3u8'] as const) recording(name);
  const folder = await Folder.start(
    recording('brisk/index.m3u8'),
    sliding({ length: 8 }, (asked, response) => {
      if (asked.name !== 'main.m3u8') return false;
      response.end(MAIN);
      return true;
    }),
  );
  try {
    await stage.open();
    await stage.play(folder.url('main.m3u8'));
    await stage.event('playing');
    const played = async () => (await stage.stats()).rendition;
    await expect.poll(played, { timeout: 10_000 }).toBe('0');
    const cast = await Screencast.start(stage.page);
    folder.rate = NARROW;
    const from = Date.now();
    await expect.poll(played, { timeout: 15_000 }).toBe('1');
    note('down after, s', ((Date.now() - from) / 1000).toFixed(1));
    await stage.wait(4);
    folder.rate = Number.POSITIVE_INFINITY;
    await expect.poll(played, { timeout: 20_000 }).toBe('0');
    await stage.wait(4);
    expectInOrder(await cast.stop(), ROUND['counter-av']);
    const changes = (await stage.events('renditionchange')).map(({ detail }) => detail.auto);
    expect(changes.every(auto => auto)).toBe(true);
    expect(await stage.stats()).toMatchObject({ stalls: 0, skips: 0 });
    expect(await stage.events('error')).toEqual([]);
  } finally {
    await folder.stop();
  }
});
