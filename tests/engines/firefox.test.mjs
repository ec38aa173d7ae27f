import test from 'node:test';
import { openFirefox } from './firefox.mjs';
import { publishes } from './published.mjs';

test('Firefox publishes and plays', { timeout: 180_000 }, async t => {
  await publishes(openFirefox, (name, action) => t.test(name, action));
});
