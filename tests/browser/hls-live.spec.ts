/** Live HLS of ffmpeg, a packager that is not ours: no picture and no sound is lost or comes twice while its window slides. */
import path from 'node:path';
import { expectInOrder, expectInSync, expectSound, ROUND, within } from './harness/measures.js';
import { packageLive } from './harness/packager.js';
import { Screencast, steps } from './harness/pictures.js';
import { note } from './harness/published.js';
import { recording } from './harness/recordings.js';
import { beeps } from './harness/sound.js';
import { act } from './harness/stage.js';
import { expect, test } from './harness/test.js';

const COUNT = ROUND['counter-av'];
/** Seconds that each is watched for, which is several windows; `cargo xtask test hls-window` makes it ten minutes. */
const WATCHED = Number(process.env.SAILCAST_HLS_SECONDS ?? 25);

/** ffmpeg's arguments, and the length of a segment, seconds. */
const KINDS = {
  'MPEG-TS': [['-hls_time', '1', '-hls_list_size', '4'], 1],
  'fragmented MP4': [['-hls_time', '2', '-hls_list_size', '4', '-hls_segment_type', 'fmp4'], 2],
} as const;

for (const [kind, [args, segment]] of Object.entries(KINDS)) {
  test(`${kind} in a window that slides`, async ({ stage }) => {
    // What was seen is read afterwards.
    test.setTimeout((WATCHED * 1.5 + 60) * 1000);
    const source = path.join(recording('brisk.flv'), 'brisk.flv');
    const flags = ['-c', 'copy', '-f', 'hls', '-hls_flags', 'delete_segments+program_date_time'];
    const live = await packageLive([...flags, ...args], { source });
    try {
      await stage.open();
      await stage.play(live.url);
      const playing = await stage.event('playing');
      await stage.wait(1);
      const cast = await Screencast.start(stage.page);
      const first = await act(stage, player => player.seekable.start(0));
      await stage.wait(WATCHED);
      const shown = await cast.stop();
      const heard = (await beeps(stage.page)).filter(beep => beep.at > playing.at + 1000);

      expectInOrder(shown, COUNT);
      // Once over what the clock says, whatever the compositor left out.
      const taken = steps(shown.shown, COUNT).reduce((sum, step) => sum + step, 0);
      const lasted = ((shown.shown.at(-1)?.at ?? 0) - (shown.shown[0]?.at ?? 0)) / 1000;
      expect(Math.abs(taken / 30 - lasted), 'seconds shown, beside those that passed').toBeLessThan(0.5);
      expectSound(heard, Math.floor(WATCHED) - 4);
      expectInSync(within(shown, playing.at), heard, Math.floor(WATCHED / 2));

      const stats = await stage.stats();
      note('latency, s', `${stats.latency.toFixed(2)}, by its dates ${stats.endToEndLatency?.toFixed(2)}`);
      expect(stats).toMatchObject({ stalls: 0, skips: 0, skippedBytes: 0, reconnects: 0 });
      expect(Math.abs(stats.latency - 3 * segment), 'three segments').toBeLessThan(0.5 + segment / 2);
      const state = await act(stage, ({ live, seekable, currentTime, liveEdgeStart, targetLiveWindow }) => ({
        ...{ live, targetLiveWindow, atEdge: currentTime >= liveEdgeStart },
        ...{ from: seekable.start(0), to: seekable.end(0), currentTime },
      }));
      expect(state).toMatchObject({ live: true, targetLiveWindow: 0, atEdge: true });
      expect(state.from - first, 'the window slides').toBeGreaterThan(WATCHED - 2 * segment);
      expect(state.to - state.from, 'and keeps its length').toBeCloseTo(4 * segment, 0);
      expect(state.currentTime).toBeGreaterThan(state.from);

      const { asked } = live.folder;
      const segments = asked.filter(({ name }) => !name.endsWith('m3u8')).map(({ name }) => name);
      expect(segments.length, 'each is asked for once').toBe(new Set(segments).size);
      const lists = asked.length - segments.length;
      expect(lists, 'playlists').toBeLessThan((1.5 * (WATCHED + 2)) / segment + 4);
      expect(await stage.events('error')).toEqual([]);
    } finally {
      await live.stop();
    }
  });
}

test('encrypted, in ranges of one file, with sound apart, with changes of size', async ({ stage, files }) => {
  await stage.open();
  const names = ['aes/index.m3u8', 'ranges/index.m3u8', 'apart/main.m3u8', 'changes.m3u8'] as const;
  await stage.play(files.url(names[0]));
  for (const [i, name] of names.entries()) {
    await test.step(name, async () => {
      if (i > 0) await stage.load(files.url(name));
      const playing = await stage.event('playing', { count: i + 1 });
      const before = (await beeps(stage.page)).length;
      const cast = await Screencast.start(stage.page);
      await stage.wait(name === 'changes.m3u8' ? 13 : 5);
      const shown = await cast.stop();
      const heard = (await beeps(stage.page)).slice(before).filter(beep => beep.at > playing.at + 300);
      expectInOrder(shown, COUNT);
      expectSound(heard);
      expectInSync(within(shown, playing.at), heard);
      expect((await stage.stats()).stalls).toBe(0);
    });
  }
  const sizes = (await stage.events('resize')).map(({ detail }) => detail.width);
  expect(sizes.slice(names.length - 1)).toEqual([640, 320, 640, 320]);
  expect(files.asked.filter(({ name }) => name === 'aes/key.bin')).toHaveLength(1);
  expect(files.asked.some(({ name, range }) => name === 'ranges/index.m4s' && range)).toBe(true);
  expect(await stage.events('discontinuity'), 'none that was not announced').toEqual([]);
  expect(await stage.events('error')).toEqual([]);
});
