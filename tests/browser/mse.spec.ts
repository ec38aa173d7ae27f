/** What our muxer of MP4 writes is taken whole by the browser's own player, with each picture at its time. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FIXTURES } from '../interop/ffmpeg.js';
import { until } from '../interop/process.js';
import { Folder } from './harness/folder.js';
import { FPS } from './harness/measures.js';
import { type Film, film, isSupported } from './harness/mse.js';
import { post } from './harness/post.js';
import { type Relay, startRelay } from './harness/relay.js';
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

/** Of the fixtures, seconds. */
const SECONDS = {
  'counter-bframes': 8,
  'counter-flac': 16,
  'counter-hevc-opus': 16,
} as const;
/** Sound need not begin or end with the picture: a frame of AAC, the encoder's priming and the order of pictures. */
const EDGE = 0.15;

/** One range, as long as the film, that plays. */
function expectWhole(film: Film, seconds: number): void {
  expect(film.buffered, 'one range').toHaveLength(1);
  const [[start, end] = [Number.NaN, Number.NaN]] = film.buffered;
  expect(Math.abs(end - start - seconds), `from ${start} to ${end}`).toBeLessThan(EDGE);
  expect(Math.abs(film.duration - end), `ends at ${film.duration}`).toBeLessThan(EDGE);
  for (const [i, pictures] of film.shown.entries()) {
    const times = pictures.map(({ time }) => time);
    expect(times.length, `pictures from ${i ? 'the middle' : 'the beginning'} on`).toBeGreaterThan(3);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  }
}

/** The numbers of the pictures go with their times. */
function expectCounted(film: Film): void {
  const all = film.shown.flat();
  const offsets = all.map(({ time, counter }) => (counter ?? Number.NaN) - time * FPS);
  const story = all.map(({ time, counter }) => `${time.toFixed(3)}:${counter}`).join(' ');
  // What is drawn may be the picture after the one that is told of.
  expect(Math.max(...offsets) - Math.min(...offsets), story).toBeLessThan(1.2);
}

const file = (folder: Folder, name: string): string => {
  const [found = ''] = readdirSync(path.join(folder.path, 'live')).filter(file =>
    file.startsWith(`${name}-`),
  );
  return path.join(folder.path, 'live', found);
};

/** What the relay has packaged: the types of its codecs, the address of all pieces, and how long they are together, seconds. */
async function packaged(url: string): Promise<{ codecs: string; pieces: string[]; seconds: number }> {
  const text = async (url: string | URL) => (await fetch(url)).text();
  const main = await text(url);
  const list = new URL(main.trim().split('\n').at(-1) ?? '', url);
  const media = await text(list);
  const map = /#EXT-X-MAP:URI="([^"]+)"/.exec(media)?.[1] ?? '';
  const segments = [...media.matchAll(/#EXTINF:([\d.]+),.*\n([^#\n]+)/g)];
  return {
    codecs: /CODECS="([^"]+)"/.exec(main)?.[1] ?? '',
    pieces: [map, ...segments.map(([, , name = '']) => name)].map(name => new URL(name, list).href),
    seconds: segments.reduce((sum, [, length]) => sum + Number(length), 0),
  };
}

/** Chromium knows FLAC by another name than its sample entry's. */
const type = (codecs: string) => `video/mp4; codecs="${codecs.replace('fLaC', 'flac')}"`;

test.describe('the relay', () => {
  let dir = '';
  let relay: Relay;
  let folder: Folder;
  test.beforeAll(async () => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'sailcast-mse-'));
    relay = await startRelay({ record: dir });
    folder = await Folder.start(dir);
  });
  test.afterAll(async () => {
    await folder.stop();
    await relay.stop();
    rmSync(dir, { recursive: true });
  });

  for (const [fixture, seconds] of Object.entries(SECONDS)) {
    test(`${fixture}: a recording, and HLS`, async ({ stage }) => {
      post(fixture, relay.publish(fixture), 16);
      await until('the recording is closed', async () =>
        readFileSync(file(folder, fixture)).subarray(-12, -8).equals(Buffer.from('mfro')),
      );
      await stage.open();
      const { codecs, pieces, seconds: packagedSeconds } = await packaged(relay.hls(fixture));
      test.skip(!(await isSupported(stage.page, type(codecs))), `this browser does not decode ${codecs}`);

      const recorded = await film(stage.page, type(codecs), [
        folder.url(path.relative(dir, file(folder, fixture))),
      ]);
      expectWhole(recorded, seconds);
      expect(recorded.buffered[0]?.[0]).toBeLessThan(EDGE);
      expectCounted(recorded);
      expect(recorded).toMatchObject({ size: [640, 360], heard: true });

      const streamed = await film(stage.page, type(codecs), pieces);
      // The last segment is told of when nobody has come back to publish.
      expect(packagedSeconds).toBeGreaterThan(seconds - 2.5);
      expectWhole(streamed, packagedSeconds);
      expectCounted(streamed);
      expect(streamed).toMatchObject({ size: [640, 360], heard: true });
    });
  }
});

test.describe('a recording of the player', () => {
  /** Begins to play; the file, as its address in the page. */
  const record = (stage: Stage, url: string, seconds: number) =>
    stage.page.evaluate(
      async ({ url, seconds }) => {
        const player = globalThis.stage.players[globalThis.stage.make({ url, autoplay: true })];
        await new Promise(resolve => player?.addEventListener('loadstart', resolve));
        await player?.startRecording();
        await new Promise(resolve => setTimeout(resolve, seconds * 1000));
        const blob = await player?.stopRecording();
        return blob ? URL.createObjectURL(blob) : '';
      },
      { url, seconds },
    );

  test('of H.264 and AAC', async ({ stage, servers }) => {
    const stream = await servers.stream('relay', 'counter-av');
    await stage.open();
    const seen = await film(stage.page, type('avc1.64001e,mp4a.40.2'), [await record(stage, stream.http, 5)]);
    expectWhole(seen, seen.duration);
    expect(seen.duration).toBeGreaterThan(2.5);
    expectCounted(seen);
    expect(seen).toMatchObject({ size: [640, 360], heard: true });
  });

  for (const [name, codecs] of [
    ['fragments-vp9-opus.mp4', 'vp09.00.10.08,opus'],
    ['fragments-av1-flac.mp4', 'av01.0.00M.08,flac'],
  ] as const) {
    test(`of ${name}`, async ({ stage }) => {
      await stage.open();
      test.skip(!(await isSupported(stage.page, type(codecs))), `this browser does not decode ${codecs}`);
      const folder = await Folder.start(FIXTURES);
      const seen = await film(stage.page, type(codecs), [await record(stage, folder.url(name), 2)]);
      await folder.stop();
      expectWhole(seen, seen.duration);
      expect(seen.duration).toBeGreaterThan(1);
      expect(seen).toMatchObject({ size: [192, 108], heard: true });
    });
  }
});
