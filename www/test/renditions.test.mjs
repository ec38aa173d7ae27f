// The list of renditions, as media-chrome uses it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill, own, VideoRenditionList } from '../../dist/renditions.js';

const HD = { id: '0', name: 'HD', width: 1280, height: 720, bitrate: 2_000_000 };
const SD = { id: '1', name: 'SD', width: 640, height: 360 };

function list() {
  const one = new VideoRenditionList();
  const heard = [];
  for (const type of ['addrendition', 'removerendition', 'change'])
    one.addEventListener(type, event => heard.push(event.rendition ? `${type} ${event.rendition.id}` : type));
  own(one, id => heard.push(`chosen ${id}`));
  return { one, heard };
}

test('renditions come, are indexed and iterated, and go', () => {
  const { one, heard } = list();
  fill(one, [HD, SD], null);
  assert.equal(one.length, 2);
  assert.equal(one[1].name, 'SD');
  assert.deepEqual(
    [...one].map(({ id }) => id),
    ['0', '1'],
  );
  assert.equal(one.getRenditionById('1'), one[1]);
  assert.equal(one.getRenditionById('9'), null);
  fill(one, [SD], null);
  assert.equal(one[1], undefined);
  assert.deepEqual(heard, [
    'addrendition 0',
    'addrendition 1',
    'removerendition 0',
    'removerendition 1',
    'addrendition 1',
  ]);
});

test('the page chooses by index or by rendition, and gives the choice back', () => {
  const { one, heard } = list();
  fill(one, [HD, SD], null);
  heard.length = 0;
  assert.equal(one.selectedIndex, -1);
  one.selectedIndex = 1;
  assert.deepEqual([one.selectedIndex, one[0].selected, one[1].selected], [1, false, true]);
  one[0].selected = true;
  assert.deepEqual([one.selectedIndex, one[1].selected], [0, false]);
  one[1].selected = false;
  assert.equal(one.selectedIndex, 0, 'it was not selected anyway');
  one.selectedIndex = -1;
  one.selectedIndex = 7;
  assert.deepEqual(heard, ['chosen 1', 'change', 'chosen 0', 'change', 'chosen null', 'change']);
});

test('media controls copy the fields of a rendition', () => {
  const { one } = list();
  fill(one, [HD], '0');
  assert.deepEqual({ ...one[0] }, { ...HD, selected: true });
});

test('the same renditions told again change nothing', () => {
  const { one, heard } = list();
  fill(one, [HD, SD], null);
  const [first] = one;
  heard.length = 0;
  fill(one, [HD, SD], '1');
  assert.deepEqual(heard, []);
  assert.equal(one[0], first);
  assert.equal(one.selectedIndex, 1);
});
