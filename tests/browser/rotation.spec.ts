/**
 * Turned and mirrored, by its file and by the page, and of whatever pixels, the picture is where it should be for each fit and renderer,
 * and stays inside its box.
 */
import type { Fit, Rotation } from '../../dist/index.js';
import { apart, type Point, patchAt, pixelsAt, type Rgb, STRIP } from './harness/card.js';
import { act, type Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

const [PICTURE_WIDTH, PICTURE_HEIGHT] = [640, 360];
/** libyuv's blue (see colours.spec.ts), and what enlarging does. */
const TOLERANCE = 14;
/** So far from an edge between patches, or of the picture, nothing is expected; pixels of the screen. */
const EDGE = 3;
const BOXES: [number, number][] = [
  [320, 240],
  [150, 300],
];

interface Turn {
  rotation: Rotation;
  mirror: boolean;
}

interface Pose extends Turn {
  fit: Fit;
}

/** From a pixel of the box to the picture, 0 to 1. */
function inPicture([x, y]: Point, [width, height]: [number, number], { rotation, mirror, fit }: Pose): Point {
  const aside = rotation % 180 !== 0;
  const [w, h] = aside ? [PICTURE_HEIGHT, PICTURE_WIDTH] : [PICTURE_WIDTH, PICTURE_HEIGHT];
  const [across, down] = [width / w, height / h];
  const one = fit === 'contain' ? Math.min(across, down) : Math.max(across, down);
  const [sx, sy] = fit === 'fill' ? [across, down] : [one, one];
  const turned = (x - (width - w * sx) / 2) / (w * sx);
  const [u, v] = [mirror ? 1 - turned : turned, (y - (height - h * sy) / 2) / (h * sy)];
  switch (rotation) {
    case 90:
      return [v, 1 - u];
    case 180:
      return [1 - u, 1 - v];
    case 270:
      return [1 - v, u];
    default:
      return [u, v];
  }
}

/** A patch, null for what is beside the picture, and undefined where it cannot be told. */
function wanted(at: Point, box: [number, number], pose: Pose): Rgb | null | undefined {
  const around: Point[] = [-EDGE, EDGE].flatMap(dx =>
    [-EDGE, EDGE].map(dy => [at[0] + dx, at[1] + dy] as Point),
  );
  const seen = around.map(point => {
    const [x, y] = inPicture(point, box, pose);
    if (x < 0 || y < 0 || x >= 1 || y >= 1) return null;
    return y < STRIP ? undefined : patchAt([x, y]);
  });
  const [first] = seen;
  return seen.every(patch => patch === first) ? first : undefined;
}

function setBox(stage: Stage, [width, height]: [number, number]): Promise<void> {
  return stage.page.evaluate(
    ([width, height]) => {
      const box = document.querySelector<HTMLElement>('#box');
      if (box) Object.assign(box.style, { width: `${width}px`, height: `${height}px` });
    },
    [width, height] as const,
  );
}

/** Everywhere in the box, and beside it. */
async function wrong(stage: Stage, box: [number, number], pose: Pose): Promise<string[]> {
  const points: Point[] = [];
  for (let y = 4.5; y < 340; y += 15) for (let x = 4.5; x < 400; x += 15) points.push([x, y]);
  const seen = await pixelsAt(stage.page, points);
  let told = 0;
  const bad = points.flatMap((point, i) => {
    const inside = point[0] < box[0] && point[1] < box[1];
    const want = inside ? wanted(point, box, pose) : null;
    const pixel = seen[i] ?? [0, 0, 0];
    if (want === undefined) return [];
    if (inside && want) told++;
    // Beside the picture it is black or the page, #202020.
    const good = want ? apart(pixel, want) <= TOLERANCE : Math.max(...pixel) <= 0x20;
    return good ? [] : [`${point}: ${pixel}, wanted ${want}`];
  });
  return told > 20 ? bad : [...bad, `only ${told} points tell anything`];
}

for (const renderer of ['track', 'canvas', 'webgl'] as const) {
  test(`turned and mirrored by ${renderer}`, async ({ stage, servers }) => {
    test.setTimeout(180_000);
    const stream = await servers.stream('relay', 'card');
    await stage.open();
    await setBox(stage, BOXES[0] as [number, number]);
    await stage.play(stream.http, { renderer, rotation: 90 });
    await stage.event('playing');
    for (const box of BOXES) {
      await setBox(stage, box);
      for (const fit of ['contain', 'cover', 'fill'] as const) {
        for (const rotation of [90, 0, 180, 270] as const) {
          for (const mirror of [false, true]) {
            const pose = { rotation, mirror, fit };
            await stage.page.evaluate(pose => Object.assign(globalThis.stage.players[0] ?? {}, pose), pose);
            await expect
              .poll(() => wrong(stage, box, pose), {
                message: `${JSON.stringify(pose)} in ${box}`,
                timeout: 5000,
                intervals: [100, 200, 400],
              })
              .toEqual([]);
          }
        }
      }
    }
    const scrolls = await stage.page.evaluate(() => {
      const { scrollWidth, scrollHeight } = document.documentElement;
      return scrollWidth > innerWidth || scrollHeight > innerHeight;
    });
    expect(scrolls, 'the page scrolls').toBe(false);
  });
}

/** Pixels of pictures that are no part of the page, in order of rows. */
interface Pixels {
  width: number;
  height: number;
  data: number[];
}

function expectPicture({ width, height, data }: Pixels, size: [number, number], turn: Turn): void {
  expect([width, height]).toEqual(size);
  const pose: Pose = { ...turn, fit: 'fill' };
  let told = 0;
  for (let y = 4; y < height; y += 8) {
    for (let x = 4; x < width; x += 8) {
      const want = wanted([x, y], size, pose);
      if (!want) continue;
      told++;
      const at = (y * width + x) * 4;
      const pixel = data.slice(at, at + 3) as Rgb;
      expect(apart(pixel, want), `${x},${y}: ${pixel}, wanted ${want}`).toBeLessThanOrEqual(TOLERANCE);
    }
  }
  expect(told).toBeGreaterThan(20);
}

/** One turn behind the other. */
function both(first: Turn, { rotation, mirror }: Turn): Turn {
  const further = first.mirror ? 360 - rotation : rotation;
  return {
    rotation: ((first.rotation + further) % 360) as Rotation,
    mirror: first.mirror !== mirror,
  };
}

for (const { name, renderer, decoder = 'auto' } of [
  { name: 'turned.mp4', renderer: 'track' },
  { name: 'turned-mirrored.mp4', renderer: 'track' },
  { name: 'turned-mirrored.mp4', renderer: 'canvas' },
  { name: 'turned.m3u8', renderer: 'webgl' },
  { name: 'turned.mp4', renderer: 'canvas', decoder: 'wasm' },
  // Planes, which do not tell how they are turned.
  { name: 'turned-mirrored.mp4', renderer: 'webgl', decoder: 'wasm' },
] as const) {
  test(`${name} is upright by ${renderer}, decoder ${decoder}`, async ({ stage, files }) => {
    const file: Turn = { rotation: 90, mirror: name === 'turned-mirrored.mp4' };
    const box: [number, number] = [150, 300];
    await stage.open();
    await setBox(stage, box);
    await stage.play(files.url(name), { renderer, decoder });
    await stage.event('playing');
    expect(await act(stage, player => [player.videoWidth, player.videoHeight])).toEqual([360, 640]);
    expect((await stage.event('resize')).detail).toEqual({ width: 360, height: 640 });
    expect((await stage.event('videotrack')).detail).toMatchObject({ width: 360, height: 640 });
    for (const fit of ['contain', 'cover'] as const) {
      for (const page of [
        { rotation: 0, mirror: false },
        { rotation: 90, mirror: true },
        { rotation: 180, mirror: false },
      ] as const) {
        const set = { fit, ...page };
        await stage.page.evaluate(set => Object.assign(globalThis.stage.players[0] ?? {}, set), set);
        await expect
          .poll(() => wrong(stage, box, { fit, ...both(file, page) }), {
            message: JSON.stringify(set),
            timeout: 5000,
            intervals: [100, 200, 400],
          })
          .toEqual([]);
      }
    }
    const snapshot = await stage.page.evaluate(async () => {
      const blob = await globalThis.stage.players[0]?.snapshot();
      const picture = await createImageBitmap(blob as Blob);
      const { width, height } = picture;
      const context = new OffscreenCanvas(width, height).getContext('2d');
      context?.drawImage(picture, 0, 0);
      return { width, height, data: [...(context?.getImageData(0, 0, width, height).data ?? [])] };
    });
    expectPicture(snapshot, [360, 640], file);
  });
}

for (const { name, renderer, decoder = 'auto' } of [
  { name: 'narrow.mp4', renderer: 'track' },
  { name: 'narrow.mp4', renderer: 'canvas', decoder: 'wasm' },
  { name: 'narrow.flv', renderer: 'track', decoder: 'wasm' },
  { name: 'narrow.flv', renderer: 'webgl', decoder: 'wasm' },
  { name: 'narrow.flv', renderer: 'webgl' },
] as const) {
  test(`${name}, of pixels that are not square, by ${renderer}, decoder ${decoder}`, async ({
    stage,
    files,
  }) => {
    const box: [number, number] = [320, 240];
    await stage.open();
    await setBox(stage, box);
    await stage.play(files.url(name), { renderer, decoder });
    await stage.event('playing');
    expect(await act(stage, player => [player.videoWidth, player.videoHeight])).toEqual([640, 480]);
    // It has the shape of the box, and fills it.
    const pose: Pose = { rotation: 0, mirror: false, fit: 'fill' };
    await expect.poll(() => wrong(stage, box, pose), { timeout: 5000 }).toEqual([]);
  });
}

for (const decoder of ['auto', 'wasm'] as const) {
  test(`thumbnails of a turned recording, decoder ${decoder}`, async ({ stage, files }) => {
    await stage.open();
    const thumbnail = await stage.page.evaluate(
      async ({ url, decoder }) => {
        const { createThumbnails } = await import('/dist/thumbnails.js' as string);
        const thumbnails = createThumbnails(url, { width: 180, decoder });
        const picture = await thumbnails.at(30);
        thumbnails.close();
        const { width, height } = picture;
        const context = new OffscreenCanvas(width, height).getContext('2d');
        context?.drawImage(picture, 0, 0);
        return { width, height, data: [...(context?.getImageData(0, 0, width, height).data ?? [])] };
      },
      { url: files.url('turned-mirrored.mp4'), decoder },
    );
    expectPicture(thumbnail, [180, 320], { rotation: 90, mirror: true });
  });
}

test('a recording of a turned picture is turned as well', async ({ stage, files }) => {
  await stage.open();
  await stage.play(files.url('turned.mp4'));
  await stage.event('playing');
  const size = await stage.page.evaluate(async () => {
    const player = globalThis.stage.players[0];
    await player?.startRecording();
    await new Promise(resolve => setTimeout(resolve, 4000));
    const blob = await player?.stopRecording();
    const video = document.createElement('video');
    video.src = URL.createObjectURL(blob as Blob);
    await new Promise(resolve => video.addEventListener('loadeddata', resolve));
    return [video.videoWidth, video.videoHeight];
  });
  expect(size).toEqual([360, 640]);
});

test('the element has attributes for it', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'card');
  await stage.open();
  const box: [number, number] = [150, 300];
  await stage.page.evaluate(
    async ({ src, width, height }) => {
      const entry = '/dist/element.js';
      await import(entry);
      const element = document.createElement('sailcast-player');
      for (const [name, value] of Object.entries({
        src,
        autoplay: '',
        muted: '',
        rotation: '270',
        mirror: '',
      }))
        element.setAttribute(name, value);
      Object.assign(element.style, { width: `${width}px`, height: `${height}px`, aspectRatio: 'auto' });
      document.querySelector('#box')?.append(element);
    },
    { src: stream.http, width: box[0], height: box[1] },
  );
  const look = (pose: Pose) => expect.poll(() => wrong(stage, box, pose), { timeout: 8000 }).toEqual([]);
  await look({ rotation: 270, mirror: true, fit: 'contain' });
  await stage.page.evaluate(() => {
    const element = document.querySelector('sailcast-player');
    element?.setAttribute('rotation', '180');
    element?.removeAttribute('mirror');
  });
  await look({ rotation: 180, mirror: false, fit: 'contain' });
  expect(
    await stage.page.evaluate(() => {
      const element = document.querySelector('sailcast-player');
      return [element?.rotation, element?.mirror];
    }),
  ).toEqual([180, false]);
});

test('other angles are refused', async ({ stage }) => {
  await stage.open();
  const details = await stage.page.evaluate(() => {
    try {
      globalThis.stage.make({ rotation: 45 as unknown as 90 });
      return null;
    } catch (error) {
      return (error as { details?: string }).details;
    }
  });
  expect(details).toBe('optionInvalid');
});
