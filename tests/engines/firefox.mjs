/** Firefox with fake devices, by WebDriver BiDi. */
import { existsSync } from 'node:fs';
import puppeteer from 'puppeteer-core';

const BINARY = process.env.SAILCAST_FIREFOX ?? '/usr/bin/firefox-esr';
const PREFS = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
};

export async function openFirefox({ env, url }) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: apt-get install firefox-esr`);
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: BINARY,
    headless: true,
    protocolTimeout: 60_000,
    env: { ...process.env, ...env },
    extraPrefsFirefox: PREFS,
  });
  try {
    const page = await browser.newPage();
    await page.goto(url);
    return {
      playerOptions: {},
      version: await browser.version(),
      run: (action, ...args) => page.evaluate(action, ...args),
      /** Another tab is in front for as long as this takes. */
      async hidden(action) {
        const other = await browser.newPage();
        await other.bringToFront();
        try {
          await action();
        } finally {
          await other.close();
          await page.bringToFront();
        }
      },
      reload: () => page.reload(),
      click: selector => page.click(selector),
      close: () => browser.close(),
    };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
