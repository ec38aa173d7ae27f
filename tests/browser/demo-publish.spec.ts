/** The demo's page "Publish" goes live, shows what viewers see and how late, and adapts to a network made narrow. */
import { test as base, type Locator, type Page } from '@playwright/test';
import { calm } from './harness/calm.js';
import { type Relay, startRelay } from './harness/relay.js';
import { Stage } from './harness/stage.js';
import { expect } from './harness/test.js';
import { AUTOPLAY, EXECUTABLE, FLAGS } from './playwright.config.js';

const DEVICES = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
/** Publishing and playing at once, on a machine that may have more to do. */
const PATIENCE = { timeout: 30_000 };

const test = base.extend<{ complaints: undefined }, { relay: Relay }>({
  relay: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from here
    async ({}, use) => {
      const relay = await startRelay({ root: 'dist-demo', throttle: true });
      await use(relay);
      await relay.stop();
    },
    { scope: 'worker' },
  ],
  complaints: [
    async ({ page, relay }, use) => {
      const { complaints } = new Stage(page, { plain: relay.url, isolated: relay.url });
      await calm();
      await use(undefined);
      expect(complaints, 'on the console').toEqual([]);
    },
    { auto: true },
  ],
});

test.use({
  launchOptions: {
    executablePath: EXECUTABLE,
    args: [...FLAGS, AUTOPLAY, ...DEVICES],
    ignoreDefaultArgs: ['--mute-audio'],
  },
  viewport: { width: 1440, height: 900 },
});

async function goLive(page: Page): Promise<void> {
  await page.locator('#go').click();
  await expect(page.locator('#own')).toHaveAttribute('data-state', 'publishing', PATIENCE);
  await expect(page.locator('#seen')).toHaveAttribute('data-state', 'playing', PATIENCE);
}

async function moves(picture: Locator): Promise<void> {
  const before = await picture.screenshot();
  await expect.poll(async () => (await picture.screenshot()).equals(before), PATIENCE).toBe(false);
}

/** What a chart says of now, kbit/s. */
async function rate(page: Page, name: string): Promise<number> {
  const text = await page.locator('#chart-uplink .figure', { hasText: name }).locator('.value').innerText();
  const [, number, unit] = /^([\d.]+) (k|M)bit\/s$/.exec(text) ?? [];
  return Number(number) * (unit === 'M' ? 1000 : 1);
}

test('a camera goes live, and its viewers are seen beside it', async ({ page, relay }) => {
  await page.goto(`${relay.url}#publish`);
  await expect(page.locator('#page-watch')).toBeHidden();
  await page.locator('#open-sources').click();
  await moves(page.locator('#own-picture'));
  await expect(page.locator('#camera option')).toHaveCount(2);
  await goLive(page);
  await moves(page.locator('#seen-picture'));
  await expect(page.locator('#delay-figure')).toHaveText(/^\d+$/, PATIENCE);
  await expect(page.locator('#sending')).toContainText('mp4a.40.2');

  await page.locator('#mute-picture').click();
  await expect(page.locator('#mute-picture')).toHaveAttribute('data-off', 'true');
  await page.locator('#video-source').selectOption('card');
  await expect(page.locator('#mute-picture')).toHaveAttribute('data-off', 'false');
  await expect(page.locator('#delay-note')).toContainText('Read from the picture', PATIENCE);
  await page.locator('#mute-sound').click();
  await expect(page.locator('#mute-sound')).toHaveAttribute('aria-label', 'Unmute the sound');

  // The other page plays it, while it goes on.
  await page.locator('#open-watch').click();
  await expect(page.locator('#stage')).toHaveAttribute('data-state', 'playing', PATIENCE);
  await expect(page.locator('#page-publish')).toBeHidden();
  await page.locator('#tab-publish').click();
  await expect(page.locator('#seen')).toHaveAttribute('data-state', 'playing', PATIENCE);
  await page.locator('[data-lang=zh]').click();
  await expect(page.locator('#go-text')).toHaveText('停止');
  await page.locator('#go').click();
  await expect(page.locator('#own')).toHaveAttribute('data-state', 'ended', PATIENCE);
  await expect(page.locator('#seen')).toHaveAttribute('data-state', 'idle');
});

test('a narrow network is adapted to, and a wide one again', async ({ page, relay }) => {
  test.slow();
  await page.goto(`${relay.url}#publish&source=card&sound=tone`);
  await goLive(page);
  await expect.poll(() => rate(page, 'Sent'), PATIENCE).toBeGreaterThan(450);
  await expect(page.locator('#delay-note')).toContainText('Read from the picture', PATIENCE);
  // Two clocks, one truth.
  const byClock = Number(await page.locator('#delay-figure').innerText());
  const [, byPicture] = /(\d+) ms/.exec(await page.locator('#delay-note').innerText()) ?? [];
  expect(Math.abs(byClock - Number(byPicture))).toBeLessThan(250);

  await page.locator('[data-rate="300000"]').click();
  await expect(page.locator('[data-rate="300000"]')).toHaveAttribute('aria-pressed', 'true');
  await expect(page.locator('#publish-log')).toContainText('the network does not carry it', PATIENCE);
  await expect.poll(() => rate(page, 'Target'), PATIENCE).toBeLessThan(330);
  await expect.poll(() => rate(page, 'Sent'), PATIENCE).toBeLessThan(360);

  await page.locator('[data-rate="0"]').click();
  await expect.poll(() => rate(page, 'Sent'), PATIENCE).toBeGreaterThan(450);
  await expect(page.locator('#own')).toHaveAttribute('data-state', 'publishing');
});

test('settings change what is sent, a recording is saved, and mistakes are told', async ({ page, relay }) => {
  await page.goto(`${relay.url}#publish&source=card&sound=none`);
  await page.locator('#to').fill('ftp://example.com/live/x');
  await page.locator('#go').click();
  await expect(page.locator('#own-failure')).toBeVisible();
  await page.locator('#to').fill(`${relay.publish('demo-recorded').replace('http', 'ws')}`);
  await goLive(page);
  await page.locator('#record').click();
  await page.locator('#config-video-resolution').selectOption('360');
  await expect(page.locator('#sending')).toContainText('640 × 360', PATIENCE);
  const bitrate = page.locator('#config-video-bitrate');
  await bitrate.fill('5000');
  await bitrate.press('Enter');
  await expect(bitrate).toHaveValue('1000');
  await expect(page.locator('#warnings')).toContainText('video.bitrate');
  const saved = page.waitForEvent('download');
  await page.locator('#record').click();
  expect((await saved).suggestedFilename()).toMatch(/^sailcast-.*\.flv$/);
  await page.locator('#go').click();
  await expect(page.locator('#own')).toHaveAttribute('data-state', 'ended', PATIENCE);
});
