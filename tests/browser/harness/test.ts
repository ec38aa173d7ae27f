/** Playwright's `test` with the servers and a stage. A test fails if its page complains on the console. */
import { test as base, expect } from '@playwright/test';
import { type Answer, Broadcast } from './broadcast.js';
import { calm } from './calm.js';
import { type Files, startFiles } from './files.js';
import { ordinaryBrowser } from './ordinary.js';
import { Servers } from './servers.js';
import { Stage } from './stage.js';
import { Studio } from './studio.js';

export { expect };

/** Begins a broadcast of the test's own; see `Broadcast`. */
type Begin = (plan: Record<string, readonly Answer[]> | readonly Answer[]) => Promise<Broadcast>;

/** `tab`: a stage in a browser whose pages can be hidden, frozen and put away. `studio`: a page that publishes, beside the stage's. */
export const test = base.extend<
  { stage: Stage; studio: Studio; tab: Stage; broadcast: Begin; files: Files },
  { servers: Servers }
>({
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
  studio: async ({ context, servers }, use) => {
    const studio = await Studio.open(context, servers.relay.url);
    await calm();
    await use(studio);
    expect(studio.unexpected(), 'on the console').toEqual([]);
  },
  tab: async ({ servers }, use) => {
    const { context, close } = await ordinaryBrowser();
    try {
      const stage = new Stage(context.pages()[0] ?? (await context.newPage()), {
        plain: servers.relay.url,
        isolated: servers.isolated.url,
      });
      await calm();
      await use(stage);
      expect(stage.unexpected(), 'on the console').toEqual([]);
    } finally {
      await close();
    }
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  files: async ({}, use) => {
    const files = await startFiles();
    await use(files);
    await files.folder.stop();
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  broadcast: async ({}, use) => {
    const begun: Broadcast[] = [];
    await use(async plan => {
      const one = await Broadcast.start('length' in plan ? { main: plan as readonly Answer[] } : plan);
      begun.push(one);
      return one;
    });
    await Promise.all(begun.map(one => one.stop()));
  },
});
