/**
 * A Chromium as a viewer has it: an ordinary profile, tabs of which one is in front, a back-forward cache. Playwright's own
 * browsers keep every page visible and awake.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, type BrowserContext, chromium } from '@playwright/test';
import { run } from '../../interop/process.js';
import { AUTOPLAY, EXECUTABLE, FLAGS } from '../playwright.config.js';

export interface Ordinary {
  context: BrowserContext;
  close(): Promise<void>;
}

export async function ordinaryBrowser(flags: readonly string[] = []): Promise<Ordinary> {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'sailcast-browser-'));
  const browser = run(EXECUTABLE, [
    '--headless=new',
    '--window-size=640,480',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
    ...FLAGS,
    AUTOPLAY,
    ...flags,
    'about:blank',
  ]);
  let over: Browser | undefined;
  const close = async () => {
    // In good order first: one that is killed leaves children that still write to the profile.
    const session = await over?.newBrowserCDPSession().catch(() => undefined);
    await session?.send('Browser.close').catch(() => {});
    await new Promise(resolve => setTimeout(resolve, 300));
    await browser.stop();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };
  try {
    const address = await devTools(browser.child.stderr);
    over = await chromium.connectOverCDP(address, { noDefaults: true });
    const [context] = over.contexts();
    if (!context) throw new Error('Chromium has no window');
    return { context, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The address at which DevTools listens, from what Chromium says at its start. */
async function devTools(output: NodeJS.ReadableStream | null): Promise<string> {
  if (!output) throw new Error('Chromium has no output');
  for await (const line of createInterface({ input: output })) {
    const address = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (address) return address;
  }
  throw new Error('Chromium ended before it listened');
}
