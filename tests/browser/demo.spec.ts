/** The demo page plays the demo channel by itself, says what is wrong with a bad address, and speaks two languages. */
import { startRelay } from './harness/relay.js';
import { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

for (const isolated of [false, true]) {
  test(`the demo, ${isolated ? 'isolated' : 'not isolated'}`, async ({ page }) => {
    const relay = await startRelay({ isolated, root: 'dist-demo' });
    const { complaints } = new Stage(page, { plain: relay.url, isolated: relay.url });
    try {
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.goto(relay.url);
      const stage = page.locator('#stage');
      await expect(stage).toHaveAttribute('data-state', 'playing', { timeout: 15_000 });
      // The picture moves.
      const picture = page.locator('#picture');
      const before = await picture.screenshot();
      await expect.poll(async () => (await picture.screenshot()).equals(before)).toBe(false);
      await page.locator('#toggle').click();
      await expect(stage).toHaveAttribute('data-state', 'paused');
      await page.locator('#toggle').click();
      await expect(stage).toHaveAttribute('data-state', 'playing');
      await page.locator('[data-lang=zh]').click();
      await expect(page.locator('html')).toHaveAttribute('lang', /^zh/);
      expect(complaints).toEqual([]);

      await page.locator('#url').fill(relay.http('nobody'));
      await page.locator('#source button[type=submit]').click();
      await expect(page.locator('#failure')).toBeVisible();
      await expect(page.locator('#failure-code')).toContainText('1001');
      await page.locator('[data-preset=ws]').click();
      await expect(stage).toHaveAttribute('data-state', 'playing');
      expect(complaints.filter(text => !/Failed to load resource/.test(text))).toEqual([]);

      await relay.stop();
      await expect(page.locator('#badge-text')).toHaveText('重连中');
      await expect(page.locator('#failure')).toBeHidden();
    } finally {
      await relay.stop();
    }
  });
}

test('the demo channel carries the wall clock', async ({ stage, servers }) => {
  await stage.open();
  await stage.play(servers.relay.http('demo'));
  await stage.event('playing');
  await stage.event('metadata');
  await stage.wait(2);
  const { endToEndLatency } = await stage.stats();
  expect(endToEndLatency).not.toBeNull();
  expect(endToEndLatency).toBeGreaterThan(0);
  expect(endToEndLatency).toBeLessThan(4);
});
