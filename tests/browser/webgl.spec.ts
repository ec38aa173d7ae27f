/**
 * Planes of software decoders come out in their colours and in their place, by WebGL2 and without it. What draws them is taken
 * alone: planes made of known colours go in, pixels come out.
 */
import { apart, card, middles, type Point, pixelsAt, type Rgb } from './harness/card.js';
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

type Picture = { width: number; height: number };
/** In the worker. */
declare global {
  var contexts: WebGL2RenderingContext[];
  var way: WEBGL_lose_context | null | undefined;
}

interface Colour {
  matrix: number;
  fullRange: boolean;
  primaries: number;
  transfer: number;
}
interface Kind extends Partial<Colour> {
  bitDepth?: number;
  shift?: [number, number];
  height?: number;
  width?: number;
  grey?: boolean;
  said?: Partial<Colour>;
}
/** page/planes.js */
interface Maker {
  bars(patches: readonly Rgb[], kind: Kind): Picture;
  barsSeen(picture: Picture, count: number): Rgb[];
}

const MAKER = '/planes.js';
const PATCHES = card.patches;

const [BT709, UNSPECIFIED, BT601, BT2020] = [1, 2, 6, 9];
const unsaid = { primaries: UNSPECIFIED, transfer: UNSPECIFIED, matrix: UNSPECIFIED };

/** By what a stream may say of its colours. */
const KINDS: Record<string, Kind> = {
  'BT.709, limited': { matrix: BT709, fullRange: false },
  'BT.709, full': { matrix: BT709, fullRange: true },
  'BT.601, limited': { matrix: BT601, fullRange: false },
  'BT.601, full': { matrix: BT601, fullRange: true },
  'BT.2020 matrix': { matrix: BT2020, fullRange: false },
  'BT.709, 10 bits': { matrix: BT709, fullRange: false, bitDepth: 10 },
  'BT.601, full, 10 bits': { matrix: BT601, fullRange: true, bitDepth: 10 },
  'BT.2020 matrix, 10 bits': { matrix: BT2020, fullRange: false, bitDepth: 10 },
  'BT.709, 12 bits': { matrix: BT709, fullRange: false, bitDepth: 12 },
  '4:2:2': { matrix: BT709, fullRange: false, shift: [1, 0] },
  '4:4:4, 10 bits': { matrix: BT709, fullRange: false, shift: [0, 0], bitDepth: 10 },
  'planes of G, B and R': { matrix: 0, fullRange: true, shift: [0, 0] },
  'nothing said, few lines': { matrix: BT601, fullRange: false, said: unsaid },
  'nothing said, 720 lines': { matrix: BT709, fullRange: false, said: unsaid, width: 1280, height: 720 },
  'nothing said but full range': { matrix: BT601, fullRange: true, said: unsaid },
  'nothing said of the matrix': {
    matrix: BT709,
    fullRange: false,
    said: { matrix: UNSPECIFIED, primaries: BT709 },
  },
};

for (const [brush, name] of [
  ['WebGL', 'webgl'],
  ['the processor', 'canvas'],
] as const) {
  test(`planes by ${brush}: colours`, async ({ stage }) => {
    await open(stage);
    if (name === 'canvas') await withoutWebGl(stage.page);
    const renderer = await stage.page.evaluate(
      async maker => (await import(maker)).made(16, 16).painter.renderer,
      MAKER,
    );
    expect(renderer).toBe(name);
    for (const [what, kind] of Object.entries(KINDS)) {
      const seen = await stage.page.evaluate(
        async ({ maker, patches, kind }) => {
          const { bars, barsSeen }: Maker = await import(maker);
          return barsSeen(bars(patches, kind), patches.length);
        },
        { maker: MAKER, patches: PATCHES, kind },
      );
      near(seen, PATCHES, 2, what);
    }
  });

  test(`planes by ${brush}: odd sizes end where they should, and no byte between rows is seen`, async ({
    stage,
  }) => {
    await open(stage);
    if (name === 'canvas') await withoutWebGl(stage.page);
    for (const bitDepth of [8, 10]) {
      for (const shift of [
        [1, 1],
        [1, 0],
        [0, 0],
      ]) {
        const seen = await stage.page.evaluate(
          async ({ maker, bitDepth, shift }) => {
            const { grey, drawn } = await import(maker);
            const [width, height] = [639, 359];
            const level = bitDepth > 8 ? 4 : 1;
            // Black, with a white frame of one pixel.
            const edge = (x: number, y: number) =>
              x === 0 || y === 0 || x === width - 1 || y === height - 1 ? 255 * level : 0;
            const at = drawn(grey({ width, height, bitDepth, shift, gap: 25 }, edge));
            const wrong = [];
            for (let y = 0; y < height; y++) {
              for (let x = 0; x < width; x++) {
                const pixel = at(x, y);
                const want = edge(x, y) ? 255 : 0;
                if (pixel.some((v: number) => Math.abs(v - want) > 2)) wrong.push([x, y, ...pixel]);
              }
            }
            return wrong.slice(0, 10);
          },
          { maker: MAKER, bitDepth, shift },
        );
        expect(seen, `${bitDepth} bits, chroma ${shift}`).toEqual([]);
      }
    }
  });
}

test('planes by WebGL: BT.2020 primaries are those of the screen afterwards', async ({ stage }) => {
  await open(stage);
  const wide = PATCHES.map(toBt2020);
  for (const bitDepth of [8, 10]) {
    const seen = await stage.page.evaluate(
      async ({ maker, wide, kind }) => {
        const { bars, barsSeen }: Maker = await import(maker);
        return barsSeen(bars(wide, kind), wide.length);
      },
      {
        maker: MAKER,
        wide,
        kind: { matrix: BT2020, primaries: BT2020, transfer: 14, fullRange: false, bitDepth } as Kind,
      },
    );
    near(seen, PATCHES, bitDepth > 8 ? 2 : 4, `${bitDepth} bits`);
  }
});

test('planes by WebGL: HDR is brought to SDR about as the browser does it', async ({ stage }) => {
  await open(stage);
  for (const [transfer, named] of [
    [16, 'pq'],
    [18, 'hlg'],
  ] as const) {
    const { ours, theirs } = await stage.page.evaluate(
      async ({ maker, transfer, named }) => {
        const { grey, drawn, seen } = await import(maker);
        const [width, height] = [256, 16];
        const colour = { primaries: 9, transfer, matrix: 9, fullRange: true };
        const picture = grey({ width, height, colour }, (x: number) => x);
        const ours = drawn(picture);
        const frame = new VideoFrame(new Uint8Array([0, 1, 2].flatMap(k => [...picture.planes[k].data])), {
          format: 'I420',
          codedWidth: width,
          codedHeight: height,
          timestamp: 0,
          colorSpace: {
            primaries: 'bt2020' as VideoColorPrimaries,
            transfer: named as VideoTransferCharacteristics,
            matrix: 'bt2020-ncl' as VideoMatrixCoefficients,
            fullRange: true,
          },
        });
        const flat = new OffscreenCanvas(width, height);
        flat.getContext('2d')?.drawImage(frame, 0, 0);
        frame.close();
        const theirs = seen(flat);
        const row = (at: (x: number, y: number) => number[]) =>
          Array.from({ length: width }, (_, x) => at(x, 8)[1] ?? 0);
        return { ours: row(ours), theirs: row(theirs) };
      },
      { maker: MAKER, transfer, named },
    );
    expect(ours[0]).toBe(0);
    expect(ours[255]).toBe(255);
    for (const [x, level] of ours.entries()) {
      expect(Math.abs(level - (theirs[x] ?? 0)), `${named} ${x}: ${level}, ${theirs[x]}`).toBeLessThan(12);
      if (x > 0) expect(level).toBeGreaterThanOrEqual(ours[x - 1] ?? 0);
    }
  }
});

test('planes by WebGL: enlarged between samples, also across the bytes of a sample', async ({ stage }) => {
  await open(stage);
  for (const bitDepth of [8, 10, 12]) {
    const seen = await stage.page.evaluate(
      async ({ maker, bitDepth }) => {
        const { grey, drawn } = await import(maker);
        const step = 2 ** (bitDepth - 8);
        // From 48 to 80 in 8-bit levels: at 10 and 12 bits the upper byte changes on the way.
        const ramp = [48, 80, 48, 80].map(v => v * step - (step > 1 ? 1 : 0));
        const at = drawn(
          grey({ width: 4, height: 2, bitDepth }, (x: number) => ramp[x]),
          { view: [32, 16] },
        );
        return Array.from({ length: 32 }, (_, x) => at(x, 8)[0]);
      },
      { maker: MAKER, bitDepth },
    );
    seen.forEach((level, x) => {
      const at = Math.min(Math.max((x + 0.5) / 8 - 0.5, 0), 3);
      const [i, part] = [Math.floor(at), at % 1];
      const [from, to] = i % 2 ? [80, 48] : [48, 80];
      const want = from + (to - from) * (i === 3 ? 0 : part);
      expect(Math.abs(level - want), `${bitDepth} bits, ${x}: ${seen}`).toBeLessThanOrEqual(2);
    });
  }
});

test('planes by WebGL: chroma sits on the left column of its two, and between its two rows', async ({
  stage,
}) => {
  await open(stage);
  const { across, down } = await stage.page.evaluate(async maker => {
    const { planes, drawn } = await import(maker);
    const size = { width: 8, height: 8 };
    const [middle, full] = [() => 128, () => 128];
    // Red falls off in steps of chroma, from left to right and from top to bottom.
    const x = drawn(planes(size, [full, middle, (x: number) => 128 + 20 * x]));
    const y = drawn(planes(size, [full, middle, (_: number, y: number) => 128 + 20 * y]));
    const red = (at: (x: number, y: number) => number[], turn: boolean) =>
      Array.from({ length: 8 }, (_, i) => at(turn ? 4 : i, turn ? i : 4)[0] ?? 0);
    return { across: red(x, false), down: red(y, true) };
  }, MAKER);
  const level = (chroma: number) => 128 + 1.5748 * 20 * chroma;
  const want = (at: (i: number) => number) =>
    Array.from({ length: 8 }, (_, i) => level(Math.min(Math.max(at(i), 0), 3)));
  for (const [seen, wanted] of [
    [across, want(i => i / 2)],
    [down, want(i => i / 2 - 0.25)],
  ] as const) {
    for (const [i, value] of wanted.entries()) {
      expect(Math.abs((seen[i] ?? 0) - value), `${seen}, wanted ${wanted}`).toBeLessThanOrEqual(2);
    }
  }
});

test('planes by WebGL: at a place of the canvas, black around it; another size and kind follows', async ({
  stage,
}) => {
  await open(stage);
  const seen = await stage.page.evaluate(async maker => {
    const { grey, made, seen } = await import(maker);
    const { canvas, painter } = made(100, 80);
    painter.draw(
      grey({ width: 64, height: 36 }, () => 255),
      0,
      12,
      100,
      56,
    );
    const first = seen(canvas);
    const rows = [11, 12, 67, 68].map(y => first(50, y)[0]);
    painter.draw(
      grey({ width: 33, height: 35, bitDepth: 10 }, () => 1023),
      10,
      -20,
      80,
      120,
    );
    const second = seen(canvas);
    const columns = [9, 10, 89, 90].map(x => second(x, 40)[0]);
    return { rows, columns, top: second(50, 0)[0], bottom: second(50, 79)[0] };
  }, MAKER);
  expect(seen).toEqual({ rows: [0, 255, 255, 0], columns: [0, 255, 255, 0], top: 255, bottom: 255 });
});

/** That pixels are read back is the test's doing, and Chromium remarks on it. */
async function open(stage: Stage): Promise<void> {
  stage.allow(/GPU stall due to ReadPixels/);
  await stage.open();
}

function near(seen: readonly Rgb[], wanted: readonly Rgb[], tolerance: number, what: string): void {
  for (const [i, patch] of wanted.entries()) {
    for (const [k, value] of patch.entries()) {
      const off = Math.abs((seen[i]?.[k] ?? Number.NaN) - value);
      expect(off, `${what}, patch ${i}: ${patch}, seen ${seen[i]}`).toBeLessThanOrEqual(tolerance);
    }
  }
}

/** As a browser that has WebGL2 on its list of what does not work here. */
function withoutWebGl(page: import('@playwright/test').Page): Promise<void> {
  return page.evaluate(() => {
    const { getContext } = OffscreenCanvas.prototype;
    OffscreenCanvas.prototype.getContext = function (
      this: OffscreenCanvas,
      kind: string,
      ...rest: unknown[]
    ) {
      return kind === 'webgl2' ? null : Reflect.apply(getContext, this, [kind, ...rest]);
    } as typeof getContext;
  });
}

/** The same colour in BT.2020's primaries, 0..255, with sRGB's curve. */
function toBt2020([r, g, b]: Rgb): Rgb {
  const linear = [r, g, b]
    .map(v => v / 255)
    .map(v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  const rows = [
    [0.6274, 0.3293, 0.0433],
    [0.0691, 0.9195, 0.0114],
    [0.0164, 0.088, 0.8956],
  ];
  return rows.map(row => {
    const v = row.reduce((sum, weight, k) => sum + weight * (linear[k] ?? 0), 0);
    return 255 * (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);
  }) as Rgb;
}

test('a lost context comes back with the last picture, and the stream goes on in it', async ({
  stage,
  servers,
}) => {
  stage.allow(/CONTEXT_LOST_WEBGL|context lost/i);
  const stream = await servers.stream('relay', 'card');
  // The worker's script, with its WebGL contexts where the test finds them.
  await stage.page.route('**/internal/worker.js', async route => {
    const response = await route.fetch();
    const note = `globalThis.contexts = [];
      const { getContext } = OffscreenCanvas.prototype;
      OffscreenCanvas.prototype.getContext = function (...all) {
        const context = getContext.apply(this, all);
        if (all[0] === 'webgl2') contexts.push(context);
        return context;
      };`;
    await route.fulfill({ response, body: `${note}\n${await response.text()}` });
  });
  await stage.open();
  await stage.play(stream.http, { renderer: 'webgl' });
  await stage.event('playing');
  await stage.wait(0.5);
  const points = middles().map(([x, y]): Point => [x * 640, y * 360]);
  const shown = async () => {
    const seen = await pixelsAt(stage.page, points);
    return Math.max(...seen.map((rgb, i) => apart(rgb, card.patches[i] ?? [0, 0, 0])));
  };
  /** The extension is the same object each time it is asked for; a lost context still has it. */
  const [worker] = stage.page.workers();
  const lost = () => worker?.evaluate(() => globalThis.contexts.map(gl => gl.isContextLost()));
  const tell = async (what: 'loseContext' | 'restoreContext') => {
    await worker?.evaluate(what => {
      const [gl] = globalThis.contexts;
      globalThis.way ??= gl?.getExtension('WEBGL_lose_context');
      globalThis.way?.[what]();
    }, what);
    await expect.poll(lost).toEqual([what === 'loseContext']);
  };
  expect(await shown()).toBeLessThanOrEqual(10);
  // Paused: what is seen afterwards is the picture of before.
  await stage.page.evaluate(() => globalThis.stage.players[0]?.pause());
  await stage.event('pause');
  await tell('loseContext');
  await stage.wait(0.3);
  await tell('restoreContext');
  await stage.wait(0.3);
  await expect.poll(shown).toBeLessThanOrEqual(10);
  // While it plays: pictures in between are lost, and nothing else.
  await stage.page.evaluate(() => globalThis.stage.players[0]?.play());
  await stage.event('playing', { count: 2 });
  await tell('loseContext');
  await stage.wait(0.5);
  await tell('restoreContext');
  await expect.poll(shown).toBeLessThanOrEqual(10);
  const before = await stage.stats();
  await stage.wait(1);
  const after = await stage.stats();
  expect(after.framesRendered - before.framesRendered).toBeGreaterThan(15);
  expect(after.renderer).toBe('webgl');
  expect(await stage.events('error')).toEqual([]);
});

test('a canvas of another size has the picture anew, also while paused', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'card');
  await stage.open();
  await stage.play(stream.http, { renderer: 'webgl' });
  await stage.event('playing');
  await stage.page.evaluate(() => globalThis.stage.players[0]?.pause());
  await stage.event('pause');
  for (const [width, height] of [
    [320, 180],
    [161, 91],
    [640, 360],
  ] as const) {
    await stage.page.evaluate(
      ([width, height]) => {
        const box = document.querySelector<HTMLElement>('#box');
        if (box) Object.assign(box.style, { width: `${width}px`, height: `${height}px` });
      },
      [width, height] as const,
    );
    const points = middles().map(([x, y]): Point => [x * width, y * height]);
    await expect
      .poll(
        async () =>
          Math.max(
            ...(await pixelsAt(stage.page, points)).map((rgb, i) => apart(rgb, card.patches[i] ?? [0, 0, 0])),
          ),
        { message: `${width}x${height}` },
      )
      .toBeLessThanOrEqual(10);
  }
});
