import test from 'node:test';
import { publishes } from './published.mjs';
import { openWebKit } from './webkitgtk.mjs';

test('WebKitGTK publishes and plays', { timeout: 180_000 }, async t => {
  await publishes(openWebKit, (name, action) => t.test(name, action));
});
