import { defineConfig } from '@playwright/test';

/** Chromium of the system; `SAILCAST_CHROMIUM` names another. */
const executablePath = process.env.SAILCAST_CHROMIUM ?? '/usr/bin/chromium';

export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
export const AUTOPLAY = '--autoplay-policy=no-user-gesture-required';

export default defineConfig({
  testDir: '.',
  outputDir: 'results',
  // Timing is what is measured: one browser, one test at a time.
  workers: 1,
  fullyParallel: false,
  timeout: 60_000,
  // What else the machine does may delay a picture or a beep. A test that needed it is reported as flaky.
  retries: process.env.CI ? 2 : 0,
  reporter: process.env.CI ? [['list']] : [['list', { printSteps: false }]],
  use: {
    browserName: 'chromium',
    viewport: { width: 640, height: 360 },
    launchOptions: { executablePath, args: [...FLAGS, AUTOPLAY], ignoreDefaultArgs: ['--mute-audio'] },
  },
});
