/** Pictures for a seek bar, from a session of their own. */
import { FPS, GOP, ROUND } from './harness/measures.js';
import { readCounter } from './harness/pictures.js';
import { expect, test } from './harness/test.js';

for (const name of ['first.mp4', 'list.flv', 'ts/index.m3u8'] as const) {
  test(`of ${name}`, async ({ stage, files }) => {
    await stage.open();
    const url = files.url(name);
    const all = await stage.page.evaluate(async url => {
      const { createThumbnails } = await import('/dist/thumbnails.js' as string);
      const thumbnails = createThumbnails(url, { width: 320 });
      const read = async (time: number) => {
        const bitmap = await thumbnails.at(time);
        if (!bitmap) return null;
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
        context?.drawImage(bitmap, 0, 0);
        const data = context?.getImageData(0, 0, bitmap.width, bitmap.height).data;
        return { width: bitmap.width, height: bitmap.height, data: [...(data ?? [])] };
      };
      const pictures = [await read(30.3), await read(50.7), await read(5)];
      const overtaken = await Promise.all([thumbnails.at(10), thumbnails.at(20), thumbnails.at(40)]);
      thumbnails.close();
      return { pictures, overtaken: overtaken.map(one => one !== null), after: await thumbnails.at(1) };
    }, url);
    for (const [i, time] of [30.3, 50.7, 5].entries()) {
      const picture = all.pictures[i];
      expect(picture, `at ${time}`).toMatchObject({ width: 320, height: 180 });
      if (!picture) continue;
      const counter = readCounter({ ...picture, data: Uint8Array.from(picture.data) }) ?? Number.NaN;
      const wanted = Math.floor(time * FPS) % ROUND['counter-av'];
      expect(Math.abs(counter - wanted), `at ${time}: ${counter}`).toBeLessThanOrEqual(2 * GOP);
    }
    expect(all.overtaken).toEqual([true, false, true]);
    expect(all.after).toBeNull();
    await expect.poll(() => stage.page.workers().length).toBe(0);
  });
}
