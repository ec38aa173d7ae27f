/** One Chromium for one measurement: fresh profile, no GPU, its process known. */
import { chromium } from '@playwright/test';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

export async function launch() {
  const server = await chromium.launchServer({
    executablePath: process.env.SAILCAST_CHROMIUM ?? '/usr/bin/chromium',
    args: FLAGS,
    ignoreDefaultArgs: ['--mute-audio'],
  });
  const browser = await chromium.connect(server.wsEndpoint());
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  return {
    pid: server.process().pid,
    version: browser.version(),
    /** A page with the player's files loaded, nothing played. */
    async open(address, player) {
      const page = await context.newPage();
      await page.goto(address);
      await page.waitForFunction(() => globalThis.bench !== undefined);
      await page.evaluate(name => globalThis.bench.load(name), player);
      return page;
    },
    close: () => server.close(),
  };
}
