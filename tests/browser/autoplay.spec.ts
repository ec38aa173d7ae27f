/** Where the browser forbids sound before a click: the picture plays muted, one event says so, a click brings the sound. */
import { type CDPSession, chromium } from '@playwright/test';
import { expectInOrder, ROUND } from './harness/measures.js';
import { Screencast } from './harness/pictures.js';
import { listen } from './harness/sound.js';
import { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';
import config, { FLAGS } from './playwright.config.js';

/** `page.evaluate` gives the page a user's gesture; this does not. */
async function look<T>(cdp: CDPSession, expression: string): Promise<T> {
  const { result } = await cdp.send('Runtime.evaluate', {
    expression,
    returnByValue: true,
    userGesture: false,
  });
  return result.value as T;
}

test('autoplay with sound is refused', async ({ servers }) => {
  const stream = await servers.stream('relay', 'counter-av');
  const browser = await chromium.launch({ ...config.use?.launchOptions, args: FLAGS });
  try {
    const page = await browser.newPage({ viewport: { width: 640, height: 360 } });
    const stage = new Stage(page, { plain: servers.relay.url, isolated: servers.isolated.url });
    // Chromium's own remark on an AudioContext that has to wait.
    stage.allow(/AudioContext was not allowed to start/);
    await listen(page);
    const cdp = await page.context().newCDPSession(page);
    const cast = await Screencast.start(page);
    await page.goto(`${servers.relay.url}?play=${encodeURIComponent(stream.http)}`);
    const count = (name: string) =>
      look<number>(cdp, `globalThis.stage?.events.filter(e => e.name === '${name}').length ?? 0`);
    await expect.poll(() => count('autoplayblocked'), { timeout: 10_000 }).toBe(1);
    await expect.poll(() => count('playing'), { timeout: 10_000 }).toBe(1);
    await stage.wait(2.5);
    expect(await look(cdp, 'navigator.userActivation.hasBeenActive')).toBe(false);
    expect(await look(cdp, 'stage.players[0].muted')).toBe(true);
    expect(await look(cdp, 'heard.beeps.length')).toBe(0);

    const handler = 'addEventListener("click", () => { stage.players[0].muted = false; })';
    await look(cdp, `document.querySelector('#box').${handler}`);
    await page.mouse.click(320, 180);
    await expect.poll(() => look(cdp, 'heard.beeps.length'), { timeout: 8000 }).toBeGreaterThanOrEqual(2);
    expectInOrder(await cast.stop(), ROUND['counter-av']);
    expect(await count('autoplayblocked')).toBe(1);
    expect(await count('error')).toBe(0);
    expect(stage.unexpected()).toEqual([]);
  } finally {
    await browser.close();
  }
});
