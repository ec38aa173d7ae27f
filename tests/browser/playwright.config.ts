import { defineConfig } from '@playwright/test';

/** Chromium of the system; `SAILCAST_CHROMIUM` names another. */
export const EXECUTABLE = process.env.SAILCAST_CHROMIUM ?? '/usr/bin/chromium';

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

/** Tests of what happens, not of when: they may not need a second try. */
const UNTIMED = /(destroy|double-mount|ended|faults|load|page-load|start-up|seek)\.spec\.ts/;

/** Pictures that stand still: no clock is asked. */
const STILL = /(colours[a-z-]*|crop|webgl|rotation|fit)\.spec\.ts/;

export default defineConfig({
  testDir: '.',
  outputDir: 'results',
  // One by hand, for timing is what is measured. `cargo xtask test browser` runs two, and then alone what failed beside another one.
  workers: 1,
  fullyParallel: false,
  timeout: 60_000,
  projects: [
    { name: 'behaviour', testMatch: UNTIMED, retries: 0, fullyParallel: true },
    { name: 'still pictures', testMatch: STILL, retries: process.env.CI ? 1 : 0, fullyParallel: true },
    // What else the machine does may delay a picture or a beep. A test that needed it is reported as flaky.
    { name: 'pictures and sound', testIgnore: [UNTIMED, STILL], retries: process.env.CI ? 2 : 0 },
  ],
  reporter: process.env.CI ? [['list']] : [['list', { printSteps: false }]],
  use: {
    browserName: 'chromium',
    viewport: { width: 640, height: 360 },
    launchOptions: {
      executablePath: EXECUTABLE,
      args: [...FLAGS, AUTOPLAY],
      ignoreDefaultArgs: ['--mute-audio'],
    },
  },
});
