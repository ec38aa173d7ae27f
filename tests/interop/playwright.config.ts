import { defineConfig } from '@playwright/test';

/** Servers that are not ours, in real time. No browser. */
export default defineConfig({
  testDir: '.',
  outputDir: 'results',
  workers: 1,
  fullyParallel: false,
  timeout: 90_000,
  retries: process.env.CI ? 1 : 0,
  reporter: [['list', { printSteps: false }]],
});
