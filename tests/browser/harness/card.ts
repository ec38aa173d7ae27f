/** The test card, and single pixels of the screen as they are: a screenshot without loss, read by the page itself. */
import { readFileSync } from 'node:fs';
import { expect, type Page } from '@playwright/test';
import type { Options, Stage } from './stage.js';

export type Rgb = [number, number, number];
export type Point = [x: number, y: number];

interface Card {
  columns: number;
  rows: number;
  patches: Rgb[];
}

export const card: Card = JSON.parse(
  readFileSync(new URL('../../fixtures/card.json', import.meta.url), 'utf8'),
);

/** The part of the picture above the patches (tests/fixtures/make.mjs). */
export const STRIP = 24 / 360;

/** What the card has at this place of the picture, from 0 to 1. */
export function patchAt([x, y]: Point): Rgb {
  const row = Math.floor(((y - STRIP) / (1 - STRIP)) * card.rows);
  const patch = card.patches[row * card.columns + Math.floor(x * card.columns)];
  if (!patch) throw new Error(`the card has no patch at ${x}, ${y}`);
  return patch;
}

/** The middle of each patch in the picture, from 0 to 1. */
export function middles(): Point[] {
  const { columns, rows } = card;
  return card.patches.map((_, i) => [
    ((i % columns) + 0.5) / columns,
    STRIP + ((Math.floor(i / columns) + 0.5) / rows) * (1 - STRIP),
  ]);
}

/** In CSS pixels, from 0 on. */
export async function pixelsAt(page: Page, points: readonly Point[]): Promise<Rgb[]> {
  const cdp = await page.context().newCDPSession(page);
  try {
    const { data } = await cdp.send('Page.captureScreenshot', { format: 'png' });
    return await page.evaluate(
      async ({ data, points }) => {
        const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext('2d', { willReadFrequently: true });
        context?.drawImage(image, 0, 0);
        return points.map(([x, y]) => {
          const [r = 0, g = 0, b = 0] = context?.getImageData(Math.floor(x), Math.floor(y), 1, 1).data ?? [];
          return [r, g, b] as [number, number, number];
        });
      },
      { data, points },
    );
  } finally {
    await cdp.detach();
  }
}

/** The largest difference in any of the three. */
export function apart(a: Rgb, b: Rgb): number {
  return Math.max(...a.map((value, k) => Math.abs(value - (b[k] ?? 0))));
}

/** Plays the stream, and gives the patches as they are on the screen. */
export async function patchesOf(stage: Stage, url: string, options: Options): Promise<Rgb[]> {
  await stage.open();
  await stage.play(url, options);
  await stage.event('playing');
  await stage.wait(1);
  expect((await stage.stats()).renderer).toBe(options.renderer);
  return pixelsAt(
    stage.page,
    middles().map(([x, y]) => [x * 640, y * 360]),
  );
}

/** `tolerance`: for red and green, and for blue. */
export function expectColours(seen: readonly Rgb[], [redGreen, blue]: [number, number]): void {
  const story = JSON.stringify({ wanted: card.patches, seen });
  for (const [i, [r, g, b]] of card.patches.entries()) {
    const [red, green, its] = seen[i] ?? [Number.NaN, Number.NaN, Number.NaN];
    expect(apart([red, green, 0], [r, g, 0]), story).toBeLessThanOrEqual(redGreen);
    expect(Math.abs(its - b), story).toBeLessThanOrEqual(blue);
  }
}
