/** Where the browser forbids sound before a click: the picture plays muted, one event says so, a click brings the sound. */
import { chromium } from '@playwright/test';
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { beeps } from './harness/sound.js';
import { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';
import config, { FLAGS } from './playwright.config.js';

test('autoplay with sound is refused', async ({ servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  const browser = await chromium.launch({ ...config.use?.launchOptions, args: FLAGS });
  try {
    const page = await browser.newPage({ viewport: { width: 640, height: 360 } });
    const stage = new Stage(page, { plain: servers.relay.url, isolated: servers.isolated.url });
    // Chromium's own remark on an AudioContext that has to wait.
    stage.allow(/AudioContext was not allowed to start/);
    await stage.open();
    const cast = await Screencast.start(page);
    await stage.play(stream.http);
    await stage.event('playing');
    await stage.event('autoplayblocked');
    await stage.wait(2.5);
    expect(await page.evaluate(() => globalThis.stage.players[0]?.muted)).toBe(true);
    expect(await beeps(page)).toEqual([]);

    await page.evaluate(() => {
      document.querySelector('#stage')?.addEventListener('click', () => {
        const player = globalThis.stage.players[0];
        if (player) player.muted = false;
      });
    });
    await page.mouse.click(320, 180);
    await expect.poll(async () => (await beeps(page)).length, { timeout: 6000 }).toBeGreaterThanOrEqual(2);
    expectInOrder(await cast.stop(), ROUND['counter-av']);
    expect(await stage.events('autoplayblocked')).toHaveLength(1);
    expect(await stage.events('error')).toEqual([]);
    expect(stage.unexpected()).toEqual([]);
  } finally {
    await browser.close();
  }
});
