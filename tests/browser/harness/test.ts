/** Playwright's `test` with the servers and a stage. A test fails if its page complains on the console. */
import { test as base, expect } from '@playwright/test';
import { calm } from './calm.js';
import { Servers } from './servers.js';
import { Stage } from './stage.js';

export { expect };

export const test = base.extend<{ stage: Stage }, { servers: Servers }>({
  servers: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from here
    async ({}, use) => {
      const servers = await Servers.start();
      await use(servers);
      await servers.stop();
    },
    { scope: 'worker' },
  ],
  stage: async ({ page, servers }, use) => {
    const stage = new Stage(page, { plain: servers.relay.url, isolated: servers.isolated.url });
    await calm();
    await use(stage);
    expect(stage.unexpected(), 'on the console').toEqual([]);
  },
});
