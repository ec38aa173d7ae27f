/**
 * What the publisher's worker makes of pictures, whatever their size and turn: read out of the recording of what it sent, and
 * decoded by ffmpeg.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { apart, type Rgb } from './harness/card.js';
import { expect, test } from './harness/test.js';

const RED: Rgb = [255, 0, 0];
const GREEN: Rgb = [0, 255, 0];
const BLUE: Rgb = [0, 0, 255];
const WHITE: Rgb = [255, 255, 255];
/** What a picture of few bits does to pure colours. */
const TOLERANCE = 40;
const PICTURES = 24;

interface Turn {
  rotation: number;
  flip: boolean;
}

interface Plan {
  width: number;
  height: number;
  /** A quarter of the picture each of red, green, blue and white; or columns, black and white by turns. */
  pattern: 'quarters' | 'columns';
  turn?: Turn;
  /** So many pictures come before the turned ones. */
  straight?: number;
  /** Each picture comes twice. */
  twice?: boolean;
}

interface Published {
  flv: number[];
  captured: number;
}

/** Drives the worker itself, with pictures made here: `new Publisher()` takes them only from where they are captured. */
function publish(page: Page, url: string, plan: Plan): Promise<Published> {
  return page.evaluate(
    async ({ url, pictures, width, height, pattern, turn, straight = 0, twice = false }) => {
      const worker = new Worker('/dist/publisher/internal/worker.js', { type: 'module' });
      const flv: number[] = [];
      let captured = 0;
      const ended = new Promise<void>((resolve, reject) => {
        worker.onerror = event => reject(new Error(event.message));
        worker.onmessage = ({ data }) => {
          if (data.type === 'recorded') flv.push(...data.data);
          else if (data.type === 'crash') reject(new Error(data.message));
          else if (data.type === 'stats') {
            captured = data.stats.framesCaptured;
            if (data.stats.state === 'ended') resolve();
          } else if (data.event?.name === 'error') reject(new Error(data.event.message));
        };
      });
      const module = await WebAssembly.compileStreaming(fetch('/dist/wasm/publisher_bg.wasm'));
      worker.postMessage({ type: 'init', module, base: undefined });
      const bitrate = 800_000;
      const video = { codec: 'avc', side: 504, minSide: 180, fps: 15, minFps: 8, keyframeInterval: 4 };
      const settings = {
        video: { ...video, bitrate, minBitrate: bitrate },
        audio: { codec: 'aac', bitrate: 64_000 },
        latencyBudget: 0.5,
      };
      worker.postMessage({ type: 'settings', settings });
      const { port1, port2 } = new MessageChannel();
      worker.postMessage({ type: 'video', feed: { kind: 'port', port: port2 } }, [port2]);
      worker.postMessage({ type: 'source', kind: 'video', state: 'live' });
      worker.postMessage({ type: 'record', recording: true });
      worker.postMessage({ type: 'start', lines: [{ url, known: undefined }] });

      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d');
      const fill = (colour: string, x: number, y: number, w: number, h: number) => {
        if (context) context.fillStyle = colour;
        context?.fillRect(x, y, w, h);
      };
      if (pattern === 'quarters') {
        const [w, h] = [width / 2, height / 2];
        fill('rgb(255 0 0)', 0, 0, w, h);
        fill('rgb(0 255 0)', w, 0, w, h);
        fill('rgb(0 0 255)', 0, h, w, h);
        fill('rgb(255 255 255)', w, h, w, h);
      } else for (let x = 0; x < width; x++) fill(x % 2 === 0 ? 'black' : 'white', x, 0, 1, height);
      const give = (frame: VideoFrame) => port1.postMessage(frame, [frame]);
      for (let i = 0; i < pictures; i++) {
        const timestamp = Math.round(performance.now() * 1000);
        const frame = new VideoFrame(canvas, { timestamp, ...(i < straight ? {} : turn) });
        if (twice) give(frame.clone());
        give(frame);
        await new Promise(resolve => setTimeout(resolve, 66));
      }
      worker.postMessage({ type: 'stop' });
      await ended;
      worker.terminate();
      return { flv, captured };
    },
    { url, pictures: PICTURES, ...plan },
  );
}

interface Decoded {
  /** Of the first picture, and of the last one. */
  sizes: [first: string, last: string];
  /** The last one's pixel, at a place from 0 to 1. */
  at(x: number, y: number): Rgb;
}

/** Fails where ffmpeg finds a fault. */
function decode(file: string, flv: number[]): Decoded {
  writeFileSync(file, new Uint8Array(flv));
  const stdio: ('ignore' | 'pipe' | 'inherit')[] = ['ignore', 'pipe', 'inherit'];
  const options = { stdio, maxBuffer: 1 << 28 };
  const entries = ['-select_streams', 'v', '-show_entries', 'frame=width,height', '-of', 'csv=p=0:s=x'];
  const listed = execFileSync('ffprobe', ['-v', 'error', ...entries, file], options).toString();
  const sizes = listed.trim().split(/\s+/);
  const [width = 0, height = 0] = (sizes.at(-1) ?? '').split('x').map(Number);
  const raw = ['-map', 'v', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-autoscale', '0', '-'];
  const pixels = execFileSync('ffmpeg', ['-v', 'error', '-xerror', '-i', file, ...raw], options);
  const last = pixels.subarray(-width * height * 3);
  return {
    sizes: [sizes[0] ?? '', sizes.at(-1) ?? ''],
    at: (x, y) => {
      const pixel = (Math.floor(y * height) * width + Math.floor(x * width)) * 3;
      return [last[pixel] ?? 0, last[pixel + 1] ?? 0, last[pixel + 2] ?? 0];
    },
  };
}

/** The quarters in reading order. */
function expectQuarters(picture: Decoded, quarters: readonly [Rgb, Rgb, Rgb, Rgb]): void {
  const middles = [0.25, 0.75].flatMap(y => [0.25, 0.75].map(x => picture.at(x, y)));
  for (const [i, wanted] of quarters.entries()) {
    const shown = middles[i] ?? [0, 0, 0];
    expect(apart(shown, wanted), `quarter ${i} is ${shown}, not ${wanted}`).toBeLessThan(TOLERANCE);
  }
}

const POSES: { turn: Turn; size: string; quarters: [Rgb, Rgb, Rgb, Rgb] }[] = [
  { turn: { rotation: 0, flip: false }, size: '320x180', quarters: [RED, GREEN, BLUE, WHITE] },
  { turn: { rotation: 90, flip: false }, size: '180x320', quarters: [BLUE, RED, WHITE, GREEN] },
  { turn: { rotation: 180, flip: false }, size: '320x180', quarters: [WHITE, BLUE, GREEN, RED] },
  { turn: { rotation: 270, flip: true }, size: '180x320', quarters: [WHITE, GREEN, BLUE, RED] },
  { turn: { rotation: 0, flip: true }, size: '320x180', quarters: [GREEN, RED, WHITE, BLUE] },
];

for (const [i, { turn, size, quarters }] of POSES.entries()) {
  const pose = `${turn.rotation}°${turn.flip ? ' and mirrored' : ''}`;
  test(`a picture turned by ${pose} is published upright`, async ({ stage, servers }, info) => {
    await stage.open();
    const plan: Plan = { width: 320, height: 180, pattern: 'quarters', turn };
    const { flv } = await publish(stage.page, servers.relay.publish(`pose-${i}`).replace('http', 'ws'), plan);
    const picture = decode(info.outputPath('sent.flv'), flv);
    expect(picture.sizes).toEqual([size, size]);
    expectQuarters(picture, quarters);
  });
}

test('a camera that is turned while it is live changes the size of the stream', async ({
  stage,
  servers,
}, info) => {
  await stage.open();
  const turn = { rotation: 90, flip: false };
  const plan: Plan = { width: 320, height: 180, pattern: 'quarters', turn, straight: PICTURES / 2 };
  const { flv } = await publish(stage.page, servers.relay.publish('turned').replace('http', 'ws'), plan);
  const picture = decode(info.outputPath('sent.flv'), flv);
  expect(picture.sizes).toEqual(['320x180', '180x320']);
  expectQuarters(picture, [BLUE, RED, WHITE, GREEN]);
});

test('of an odd size the last row and column are left out, and nothing is scaled', async ({
  stage,
  servers,
}, info) => {
  await stage.open();
  const plan: Plan = { width: 321, height: 181, pattern: 'columns' };
  const { flv } = await publish(stage.page, servers.relay.publish('odd').replace('http', 'ws'), plan);
  const picture = decode(info.outputPath('sent.flv'), flv);
  expect(picture.sizes).toEqual(['320x180', '320x180']);
  for (const column of [0, 100, 160, 220, 318]) {
    const [[black], [white]] = [column, column + 1].map(x => picture.at((x + 0.5) / 320, 0.5)) as [Rgb, Rgb];
    expect(white - black, `columns ${column} and ${column + 1}`).toBeGreaterThan(150);
  }
});

test('a picture that comes twice counts once', async ({ stage, servers }, info) => {
  await stage.open();
  const plan: Plan = { width: 320, height: 180, pattern: 'quarters', twice: true };
  const { flv, captured } = await publish(
    stage.page,
    servers.relay.publish('twice').replace('http', 'ws'),
    plan,
  );
  expect(captured).toBe(PICTURES);
  expectQuarters(decode(info.outputPath('sent.flv'), flv), [RED, GREEN, BLUE, WHITE]);
});
