/** The shown picture as a file: whole, at its own size, whatever draws it. */
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

/** What the page makes of the file: its type and size, and the pixel in the middle of each bit of the strip. */
function snapshot(
  stage: Stage,
  options = {},
): Promise<{ type: string; width: number; height: number; bits: string }> {
  return stage.page.evaluate(async options => {
    const blob = await globalThis.stage.players[0]?.snapshot(options);
    const picture = await createImageBitmap(blob as Blob);
    const { width, height } = picture;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, Math.floor((height * 12) / 360), width, 1);
    const bits = Array.from({ length: 32 }, (_, i) =>
      (data[Math.floor(((i + 0.5) * width) / 32) * 4 + 1] ?? 0) > 128 ? 1 : 0,
    ).join('');
    return { type: blob?.type ?? '', width, height, bits };
  }, options);
}

for (const renderer of ['track', 'canvas', 'webgl'] as const) {
  test(`drawn by ${renderer}`, async ({ stage, servers }) => {
    const stream = await servers.stream('relay', 'counter-av');
    await stage.open();
    await stage.play(stream.http, { renderer, rotation: 90 });
    await stage.event('playing');
    const { bits, ...rest } = await snapshot(stage);
    expect(rest).toEqual({ type: 'image/png', width: 640, height: 360 });
    const [counter, inverted] = [bits.slice(0, 16), bits.slice(16)].map(half => Number.parseInt(half, 2));
    expect((counter ?? 0) ^ (inverted ?? 0), bits).toBe(0xffff);
    expect((await snapshot(stage, { type: 'image/jpeg', quality: 0.9 })).type).toBe('image/jpeg');
  });
}

test('decoded in software', async ({ stage, servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  await stage.open();
  await stage.play(stream.http, { renderer: 'webgl', decoder: 'wasm' });
  await stage.event('playing');
  const { width, height, bits } = await snapshot(stage);
  expect([width, height]).toEqual([640, 360]);
  expect(Number.parseInt(bits.slice(0, 16), 2) ^ Number.parseInt(bits.slice(16), 2), bits).toBe(0xffff);
});

test('before there is a picture', async ({ stage, servers }) => {
  await stage.open();
  await stage.play(servers.faulty.http('silent'), { autoplay: false });
  const code = await stage.page.evaluate(() =>
    globalThis.stage.players[0]?.snapshot().then(
      () => 0,
      (error: { code: number }) => error.code,
    ),
  );
  expect(code).toBe(5006);
});
