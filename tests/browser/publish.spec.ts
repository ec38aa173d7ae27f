/** Camera and microphone published by Chromium: what the servers give out of it, and what our own player shows. */
import { withDevices } from './harness/studio.js';
import { expect, test } from './harness/test.js';

test.use(withDevices());

test('try', async ({ studio, servers }, info) => {
  await studio.publish(servers.relay.publish('try'));
  await studio.wait(5);
  console.log(await studio.story(), await studio.stats());
  expect(1).toBe(1);
});
