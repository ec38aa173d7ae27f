// The dynamic configuration: which value holds, and what is said of the others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  changedFields,
  checkLimits,
  DEFAULT_CONFIG,
  effectiveConfig,
  maxAgeOf,
  overlay,
  parseDocument,
  toSettings,
} from '../../dist/publisher/config.js';

const LAPTOP = { browser: 'chrome', os: 'linux', device: 'desktop' };
const PHONE = { browser: 'safari', os: 'ios', device: 'phone' };

/** What the layers make, and the warnings as `field value nearest`. */
function merged(document, { app = {}, environment = LAPTOP, limits } = {}) {
  const { config, warnings } = effectiveConfig(
    document && { version: 1, ...document },
    app,
    environment,
    limits,
  );
  return { ...config, told: warnings.map(({ field, value, nearest }) => [field, value, nearest]), warnings };
}

const video = (name, value) => merged({ global: { video: { [name]: value } } });

test('without a document the defaults of the table hold', () => {
  const { told, warnings, ...config } = merged(undefined);
  assert.deepEqual(config, DEFAULT_CONFIG);
  assert.deepEqual(config.video, {
    codec: 'avc',
    resolution: 504,
    fps: 15,
    keyframeInterval: 4,
    bitrate: 800_000,
  });
  assert.deepEqual(warnings, []);
});

test('each field takes its range and its special value', () => {
  for (const [name, good] of [
    ['fps', [8, 15, 24]],
    ['keyframeInterval', [1, 2, 5]],
    ['bitrate', [200_000, 400_000, 1_000_000]],
    ['codec', ['avc', 'hevc', 'av1', 'vp9']],
  ]) {
    for (const value of good) {
      const { video: made, told } = video(name, value);
      assert.equal(made[name], value);
      assert.deepEqual(told, []);
    }
  }
  assert.equal(merged({ global: { audio: { bitrate: 5_000 } } }).audio.bitrate, 5_000);
});

test('out of range becomes the nearest value, and is told once', () => {
  for (const [name, value, nearest] of [
    ['fps', 30, 24],
    ['fps', 1, 8],
    ['keyframeInterval', 1.4, 1],
    ['keyframeInterval', 1.6, 2],
    ['keyframeInterval', 60, 5],
    ['bitrate', 250_000, 200_000],
    ['bitrate', 350_000, 400_000],
    ['bitrate', 1, 200_000],
    ['bitrate', 9e9, 1_000_000],
    ['resolution', 1080, 720],
    ['resolution', '500P', 504],
  ]) {
    const { video: made, told } = video(name, value);
    assert.equal(made[name], nearest, `${name} ${value}`);
    assert.deepEqual(told, [[`global.video.${name}`, value, nearest]]);
  }
});

test('a warning says the field, the value, the rule and what is done', () => {
  const [{ message }] = video('fps', 60).warnings;
  assert.equal(message, 'global.video.fps cannot be 60: it is a number from 8 to 24. 24 is taken.');
});

test('a resolution may be written as a number or as 504P', () => {
  for (const value of [480, '480P', '480p']) {
    const { video: made, told } = video('resolution', value);
    assert.equal(made.resolution, 480);
    assert.deepEqual(told, []);
  }
});

test('what is no value leaves the layer below in force', () => {
  for (const value of ['15', null, {}, [], true, Number.NaN]) {
    const { video: made, told } = merged({
      global: { video: { fps: 20 } },
      user: { video: { fps: value } },
    });
    assert.equal(made.fps, 20);
    assert.deepEqual(told, [['user.video.fps', value, null]]);
  }
});

test('layers are merged field by field: global, user, the app, system', () => {
  const made = merged(
    {
      global: { video: { fps: 10, bitrate: 500_000, resolution: '360P' }, latencyBudget: 1 },
      user: { video: { fps: 12, bitrate: 600_000 }, audio: { codec: 'opus' } },
      system: [{ video: { bitrate: 700_000 } }],
    },
    { app: { video: { fps: 20, bitrate: 900_000 } } },
  );
  assert.deepEqual(made.video, {
    codec: 'avc',
    resolution: 360,
    fps: 20,
    keyframeInterval: 4,
    bitrate: 700_000,
  });
  assert.deepEqual(made.audio, { codec: 'opus', bitrate: 64_000 });
  assert.equal(made.latencyBudget, 1);
});

test('a system layer is for the browsers, systems and devices that it names', () => {
  const system = [
    { match: { device: ['phone', 'tablet'] }, video: { fps: 12 } },
    { match: { os: 'ios', browser: 'safari' }, video: { keyframeInterval: 2 } },
    { match: { os: 'android' }, video: { fps: 8 } },
  ];
  assert.equal(merged({ system }).video.fps, 15);
  const phone = merged({ system }, { environment: PHONE });
  assert.equal(phone.video.fps, 12);
  assert.equal(phone.video.keyframeInterval, 2);
  assert.deepEqual(phone.told, []);
});

test('a layer that asks for something unknown is for nobody', () => {
  const made = merged({ system: [{ match: { battery: 'low' }, video: { fps: 8 } }] });
  assert.equal(made.video.fps, 15);
  assert.deepEqual(made.told, [['system.match.battery', 'low', null]]);
});

test('unknown fields are told and change nothing', () => {
  const made = merged({ beauty: 1, global: { video: { crf: 20 }, audio: 5 }, user: [] });
  assert.deepEqual(made.video, DEFAULT_CONFIG.video);
  assert.deepEqual(
    made.told.map(([field]) => field),
    ['beauty', 'global.video.crf', 'global.audio', 'user'],
  );
});

test('names from the prototype are unknown fields', () => {
  const document = parseDocument(
    '{"version":1,"__proto__":{"a":1},"global":{"video":{"constructor":1,"__proto__":{"fps":8}},"toString":2}}',
  );
  const { config, warnings } = effectiveConfig(document, {}, LAPTOP);
  assert.deepEqual(config, DEFAULT_CONFIG);
  assert.equal(warnings.length, 4);
  assert.equal({}.fps, undefined);
});

test('a flood of bad fields gives a bounded list of warnings', () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`x${i}`, i]));
  assert.equal(merged({ global: many }).told.length, 50);
});

test('the app may widen a range, a document may not', () => {
  const document = { global: { video: { fps: 60, resolution: '1080P', bitrate: 250_000 } } };
  const limits = { fps: [5, 60], resolution: [180, 1080], bitrate: [100_000, 6_000_000] };
  const made = merged(document, { limits });
  assert.deepEqual(made.told, []);
  assert.equal(made.video.fps, 60);
  assert.equal(made.video.resolution, 1080);
  assert.equal(made.video.bitrate, 250_000);
  assert.deepEqual(merged({ limits, ...document }).told[0], ['limits', limits, null]);
});

test('limits narrower than the defaults move them without a warning', () => {
  const made = merged(undefined, { limits: { fps: [20, 30], resolution: [720, 1080] } });
  assert.equal(made.video.fps, 20);
  assert.equal(made.video.resolution, 720);
  assert.deepEqual(made.told, []);
});

test('limits that cannot be are refused', () => {
  for (const limits of [{ fps: [0, 60] }, { fps: 60 }, { fps: [30, 20] }, { speed: [1, 2] }, { bitrate: [] }])
    assert.throws(() => checkLimits(limits), Error);
});

test('text that is no document of this version is refused as a whole', () => {
  for (const text of ['', '<html>', '[]', 'null', '5', '{}', '{"version":2}'])
    assert.throws(() => parseDocument(text), Error, text);
});

test('the age of a document is held within ten seconds and a day', () => {
  assert.equal(maxAgeOf({ version: 1 }), undefined);
  assert.equal(maxAgeOf({ version: 1, maxAge: 60 }), 60);
  assert.equal(maxAgeOf({ version: 1, maxAge: 0 }), 10);
  assert.equal(maxAgeOf({ version: 1, maxAge: 1e9 }), 86_400);
  assert.deepEqual(merged({ maxAge: 1 }).told, [['maxAge', 1, 10]]);
});

test('what the app sets is laid over what it set before, and null takes it back', () => {
  const first = overlay({}, { video: { fps: 20, bitrate: 500_000 } });
  const second = overlay(first, { video: { fps: null }, latencyBudget: 1 });
  assert.deepEqual(second, { video: { bitrate: 500_000 }, latencyBudget: 1 });
});

test('changed fields are named', () => {
  const after = { ...DEFAULT_CONFIG, video: { ...DEFAULT_CONFIG.video, fps: 20 }, latencyBudget: 1 };
  assert.deepEqual(changedFields(DEFAULT_CONFIG, after), ['video.fps', 'latencyBudget']);
  assert.deepEqual(changedFields(DEFAULT_CONFIG, DEFAULT_CONFIG), []);
});

test('the engine may step down to a quarter of the bitrate, 8 fps and 360P', () => {
  const { video: made, latencyBudget } = toSettings(DEFAULT_CONFIG);
  assert.deepEqual(made, {
    codec: 'avc',
    side: 504,
    minSide: 360,
    fps: 15,
    minFps: 8,
    keyframeInterval: 4,
    bitrate: 800_000,
    minBitrate: 200_000,
  });
  assert.equal(latencyBudget, 0.5);
  const limits = { resolution: [180, 720], fps: [5, 30] };
  const small = merged({ global: { video: { resolution: 180, fps: 5 } } }, { limits });
  const settings = toSettings(small).video;
  assert.equal(settings.minSide, 180);
  assert.equal(settings.minFps, 5);
});

test('whatever a document says, the configuration is whole and within its ranges', () => {
  let seed = 7;
  const random = most => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % most;
  };
  const NAMES = [
    'video',
    'audio',
    'latencyBudget',
    'fps',
    'bitrate',
    'codec',
    'resolution',
    'keyframeInterval',
  ];
  const MORE = [
    ...NAMES,
    'match',
    'browser',
    'global',
    'user',
    'system',
    'maxAge',
    'version',
    '__proto__',
    '',
  ];
  const VALUES = [0, -1, 15, 4, 504, 1e9, 1e308, '504P', '9999999P', 'avc', 'opus', '', null, true, 0.5];
  const value = depth => {
    const kind = depth > 4 ? 2 : random(4);
    const many = random(6);
    if (kind === 0) return Array.from({ length: many }, () => value(depth + 1));
    if (kind < 2)
      return Object.fromEntries(
        Array.from({ length: many }, () => [MORE[random(MORE.length)], value(depth + 1)]),
      );
    return VALUES[random(VALUES.length)];
  };
  const within = (number, least, most) => number >= least && number <= most;
  for (let i = 0; i < 5000; i++) {
    const layer = () =>
      random(3) === 0 ? value(0) : Object.fromEntries(NAMES.map(name => [name, value(2)]));
    const text = JSON.stringify({ global: layer(), user: layer(), system: [layer(), value(1)], version: 1 });
    const { config, warnings } = effectiveConfig(parseDocument(text), {}, LAPTOP);
    const { video: made, audio, latencyBudget } = config;
    const good =
      ['avc', 'hevc', 'av1', 'vp9'].includes(made.codec) &&
      [360, 480, 504, 720].includes(made.resolution) &&
      within(made.fps, 8, 24) &&
      within(made.keyframeInterval, 1, 5) &&
      within(made.bitrate, 200_000, 1_000_000) &&
      ['aac', 'opus'].includes(audio.codec) &&
      within(audio.bitrate, 5_000, 128_000) &&
      within(latencyBudget, 0.2, 2);
    assert.ok(good && warnings.length <= 50, text);
  }
});
