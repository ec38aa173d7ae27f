// What a load may play.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildFor, checkSource, preferred } from '../../dist/internal/source.js';

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

test('the address tells whether a load needs the whole player, unless its type is given', () => {
  for (const [url, build] of [
    ['https://a/live.flv', 'streams'],
    ['https://a/LIVE.FLV?sign=x.m3u8', 'streams'],
    ['wss://a/live', 'streams'],
    ['https://a/live.m3u8?x=.flv', 'all'],
    ['https://a/film.mp4#.flv', 'all'],
    ['https://a/live', 'all'],
  ]) {
    assert.equal(buildFor(url, undefined), build, url);
    assert.equal(buildFor(url, 'auto'), build, url);
    assert.equal(buildFor(url, 'stream'), 'streams', url);
    assert.equal(buildFor(url, 'hls'), 'all', url);
    assert.equal(buildFor(url, 'file'), 'all', url);
  }
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
