/** Live HLS of two sizes on a network that becomes narrow: the player changes by itself, down and up again, without a stop or a seam. */
import { Folder } from './harness/folder.js';
import { note } from './harness/published.js';
import { recording } from './harness/recordings.js';
import { BEHIND, between, changesOf, expectSeamless, seen, watch } from './harness/seams.js';
import { expect, test } from './harness/test.js';
import { tape } from './harness/tone.js';
import { sliding } from './harness/window.js';

const MAIN = `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS="avc1.64001e,mp4a.40.2",FRAME-RATE=30
rising.live.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=320x180,CODECS="avc1.64000d,mp4a.40.2",FRAME-RATE=30
rising-small.live.m3u8
`;
/** Enough for the smaller one alone, bit/s. */
const NARROW = 450_000;

test('down where the network is narrow, and up again', async ({ stage }) => {
  const folder = await Folder.start(
    recording('rising.m3u8'),
    sliding({ length: 8 }, (asked, response) => {
      if (asked.name !== 'main.m3u8') return false;
      response.end(MAIN);
      return true;
    }),
  );
  try {
    await tape(stage.page);
    await stage.open();
    await stage.play(folder.url('main.m3u8'));
    await stage.event('playing');
    const told = () => stage.events('renditionchange');
    const played = async () => (await told()).at(-1)?.detail.rendition.id;
    await expect.poll(played, { timeout: 10_000 }).toBe('0');
    await watch(stage);
    const from = Date.now();
    await stage.wait(2);
    const narrow = Date.now();
    folder.rate = NARROW;
    await expect.poll(played, { timeout: 15_000 }).toBe('1');
    note('down after, s', ((Date.now() - narrow) / 1000).toFixed(1));
    await stage.wait(3);
    folder.rate = Number.POSITIVE_INFINITY;
    await expect.poll(played, { timeout: 20_000 }).toBe('0');
    await stage.wait((BEHIND + 100) / 1000);
    expect(await stage.stats()).toMatchObject({ stalls: 0, skips: 0 });
    const all = await seen(stage);
    const changes = (await told()).filter(({ at }) => at > narrow);
    expect(changes.map(({ detail }) => [detail.rendition.id, detail.auto])).toEqual([
      ['1', true],
      ['0', true],
    ]);
    const each = changesOf(
      all,
      changes.map(({ at }) => at),
    );
    expectSeamless(each, between(all, from, narrow));
    expect(await stage.events('error')).toEqual([]);
  } finally {
    await folder.stop();
  }
});
