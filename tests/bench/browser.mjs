/** One Chromium for one measurement: a fresh profile of the ordinary kind, no GPU, its process known. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from '@playwright/test';

export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
  '--autoplay-policy=no-user-gesture-required',
];

/** For one that is started by hand. */
const OWN = ['--headless=new', '--remote-debugging-port=0'];

/** A bench that is ended early leaves no browser behind. */
const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** The address at which DevTools listens, from what Chromium says at its start. */
async function devTools(child) {
  for await (const line of createInterface({ input: child.stderr })) {
    const address = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (address) return address;
  }
  throw new Error('Chromium ended before it listened');
}

/** `flags`: beside the usual ones. */
export async function launch(flags = []) {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'sailcast-bench-'));
  const program = process.env.SAILCAST_CHROMIUM ?? '/usr/bin/chromium';
  // Started by hand: Playwright's own browsers are incognito, where Chromium leaves out preconnecting.
  const child = spawn(program, [...OWN, ...FLAGS, ...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  const ended = once(child, 'exit').then(() => running.delete(child));
  const browser = await chromium.connectOverCDP(await devTools(child));
  child.stderr.resume();
  const context = browser.contexts()[0];
  return {
    pid: child.pid,
    version: browser.version(),
    context,
    /** A page with the player's files loaded, nothing played. */
    async open(address, player) {
      const page = await context.newPage();
      await page.setViewportSize({ width: 1280, height: 720 });
      await page.goto(address);
      await page.waitForFunction(() => globalThis.bench !== undefined);
      await page.evaluate(name => globalThis.bench.load(name), player);
      return page;
    },
    async close() {
      const session = await browser.newBrowserCDPSession();
      await session.send('Browser.close');
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
