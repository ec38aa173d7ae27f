/**
 * The panel of sources: which picture and which sound. It says what is chosen, and makes what is made here: the test card, the
 * test tone, the dark card of a camera that is switched off.
 */
import type { Device, GivenAudioSource, GivenVideoSource } from 'sailcast/publisher';
import { get } from '../dom.js';
import { onLanguage, t } from '../i18n.js';
import type { Settings } from '../permalink.js';
import { settings, wishFor } from '../settings.js';
import { darkCard, TestCard } from './card.js';
import { Tone } from './tone.js';

const FACING = ['user', 'environment'] as const;
type Facing = (typeof FACING)[number];

const KIND = get('video-source', HTMLSelectElement);
const CAMERA = get('camera', HTMLSelectElement);
const FILE = get('file', HTMLInputElement);
const SOUND = get('audio-source', HTMLSelectElement);
const MICROPHONE = get('microphone', HTMLSelectElement);
const SWITCHES = {
  echoCancellation: get('echo', HTMLInputElement),
  noiseSuppression: get('noise', HTMLInputElement),
  autoGainControl: get('gain', HTMLInputElement),
};
/** Fingers: a device that may have cameras on both sides. */
const handheld = matchMedia('(pointer: coarse)').matches;

export class Sources {
  readonly #onChange: (kind: 'video' | 'audio') => void;
  readonly #card = new TestCard();
  readonly #tone = new Tone();
  #dark: HTMLCanvasElement | undefined;
  #devices: readonly Device[] = [];
  #pictureOff = false;
  /** What the publisher has. */
  #kept = { kind: KIND.value, camera: '', sound: SOUND.value, microphone: '' };

  constructor(onChange: (kind: 'video' | 'audio') => void) {
    this.#onChange = onChange;
    KIND.addEventListener('change', () => {
      wishFor({ source: KIND.value as Settings['source'] });
      this.#chosen();
    });
    SOUND.addEventListener('change', () => {
      wishFor({ sound: SOUND.value as Settings['sound'] });
      this.#render();
      onChange('audio');
    });
    for (const field of [CAMERA, FILE]) field.addEventListener('change', () => this.#chosen());
    for (const field of [MICROPHONE, ...Object.values(SWITCHES)]) {
      field.addEventListener('change', () => onChange('audio'));
    }
    onLanguage(() => this.#list());
    this.#list();
  }

  /** As the address bar has it. */
  follow(): void {
    KIND.value = settings().source;
    SOUND.value = settings().sound;
    this.#render();
  }

  set devices(devices: readonly Device[]) {
    this.#devices = devices;
    this.#list();
  }

  get pictureOff(): boolean {
    return this.#pictureOff;
  }

  /** In place of the picture a dark card is sent, and the camera's light goes out. */
  set pictureOff(off: boolean) {
    this.#pictureOff = off;
    this.#onChange('video');
  }

  get camera(): boolean {
    return KIND.value === 'camera' && !this.#pictureOff;
  }

  /** There is more than one side to film. */
  get turns(): boolean {
    return handheld && this.camera;
  }

  /** From the front camera to the one at the back, and back. */
  turn(): void {
    CAMERA.value = CAMERA.value === 'environment' ? 'user' : 'environment';
    this.#onChange('video');
  }

  /** Null: there is nothing to choose from yet. */
  video(): GivenVideoSource | null {
    const kind = KIND.value;
    if (!this.#pictureOff && kind === 'card') this.#card.run();
    else this.#card.stop();
    if (this.#pictureOff) {
      this.#dark ??= darkCard();
      return { kind: 'canvas', canvas: this.#dark };
    }
    if (kind === 'card') return { kind: 'canvas', canvas: this.#card.canvas };
    if (kind === 'screen') return { kind: 'screen' };
    if (kind === 'file') {
      const [file] = FILE.files ?? [];
      return file === undefined ? null : { kind: 'file', file, loop: true };
    }
    const { value } = CAMERA;
    if (FACING.includes(value as Facing)) return { kind: 'camera', facing: value as Facing };
    return value === '' ? 'camera' : { kind: 'camera', deviceId: value };
  }

  audio(): GivenAudioSource {
    if (SOUND.value !== 'tone') this.#tone.stop();
    if (SOUND.value === 'none') return 'none';
    if (SOUND.value === 'tone') return { kind: 'stream', stream: this.#tone.stream };
    const { echoCancellation, noiseSuppression, autoGainControl } = SWITCHES;
    return {
      kind: 'microphone',
      ...(MICROPHONE.value === '' ? {} : { deviceId: MICROPHONE.value }),
      echoCancellation: echoCancellation.checked,
      noiseSuppression: noiseSuppression.checked,
      autoGainControl: autoGainControl.checked,
    };
  }

  /** What is chosen is open. */
  keep(): void {
    this.#kept = {
      kind: KIND.value,
      camera: CAMERA.value,
      sound: SOUND.value,
      microphone: MICROPHONE.value,
    };
  }

  /** What is chosen could not be had: the publisher has what it had before. */
  revert(): void {
    const { kind, camera, sound, microphone } = this.#kept;
    CAMERA.value = camera;
    MICROPHONE.value = microphone;
    wishFor({ source: kind as Settings['source'], sound: sound as Settings['sound'] });
    this.follow();
    if (kind === 'card' && !this.#pictureOff) this.#card.run();
  }

  /** Another source of pictures is one that shows. */
  #chosen(): void {
    this.#pictureOff = false;
    this.#render();
    if (KIND.value !== 'file' || FILE.files?.length === 1) this.#onChange('video');
  }

  #render(): void {
    get('camera-field', HTMLElement).hidden = KIND.value !== 'camera';
    get('file-field', HTMLElement).hidden = KIND.value !== 'file';
    for (const id of ['microphone-field', 'processing']) {
      get(id, HTMLElement).hidden = SOUND.value !== 'microphone';
    }
  }

  #list(): void {
    const sides: [string, string][] = handheld
      ? FACING.map(side => [side, t(side === 'user' ? 'cameraFront' : 'cameraBack')])
      : [];
    options(CAMERA, [['', t('deviceDefault')], ...sides, ...this.#named('camera')]);
    options(MICROPHONE, [['', t('deviceDefault')], ...this.#named('microphone')]);
  }

  #named(kind: Device['kind']): [string, string][] {
    // Before the user has allowed one they have neither a name nor an id.
    const known = this.#devices.filter(device => device.kind === kind && device.deviceId !== '');
    return known.map(({ deviceId, label }, i) => [deviceId, label || `${t(kind)} ${i + 1}`]);
  }
}

/** Keeps what is chosen, if it is still there. */
function options(
  select: HTMLSelectElement,
  entries: readonly (readonly [value: string, text: string])[],
): void {
  const { value } = select;
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
  select.value = entries.some(([known]) => known === value) ? value : '';
}
