// What a load may play.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSource, preferred } from '../../dist/internal/source.js';

test('a source is one address, several, or renditions', () => {
  assert.deepEqual(checkSource({ url: 'a' }).lines, ['a']);
  assert.deepEqual(checkSource({ url: ['a', '', 'b'] }).lines, ['a', 'b']);
  const renditions = [
    { name: 'HD', url: 'h', bitrate: 2e6, width: 1280, height: 720 },
    { name: 'SD', url: ['s', 't'] },
  ];
  assert.deepEqual(checkSource({ renditions }).renditions, [
    { name: 'HD', lines: ['h'], bitrate: 2e6, width: 1280, height: 720 },
    { name: 'SD', lines: ['s', 't'] },
  ]);
});

test('the preferred address is that of the rendition to begin with', () => {
  const renditions = [
    { name: 'HD', url: 'h' },
    { name: 'SD', url: 's' },
  ];
  assert.equal(preferred(checkSource({})), undefined);
  assert.equal(preferred(checkSource({ url: ['a', 'b'] })), 'a');
  assert.equal(preferred(checkSource({ renditions })), 'h');
  assert.equal(preferred(checkSource({ renditions, rendition: 1 })), 's');
});

for (const [what, source] of Object.entries({
  'an address that is none': { url: 7 },
  'a rendition without an address': { renditions: [{ name: 'HD' }] },
  'a rendition without a name': { renditions: [{ url: 'a' }] },
  'a bitrate of nothing': { renditions: [{ name: 'HD', url: 'a', bitrate: 0 }] },
  'half a rendition': { rendition: 0.5 },
  'another kind': { sourceType: 'dash' },
  'a start that is no number': { startTime: Number.NaN },
})) {
  test(`${what} is refused`, () => {
    assert.throws(() => checkSource(source), { details: 'optionInvalid' });
  });
}
