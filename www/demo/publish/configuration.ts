/**
 * The panel of the configuration: what holds, and what the user wishes instead. Numbers may be typed that are out of range: what
 * the publisher takes in their place, and its warnings, are part of what is shown.
 */
import type { ConfigLayer, ConfigWarning, PublishConfig, PublishProbe } from 'sailcast/publisher';
import { get } from '../dom.js';
import { isKey, type Key, language, onLanguage, t } from '../i18n.js';

interface Field {
  /** As the publisher names it: `video.fps`. */
  name: string;
  label: Key;
  /** Of a choice; else it is a number. */
  choices?: readonly (readonly [value: string, text: string])[];
  unit?: string;
  range?: string;
  /** How many of ours one of the page's units is. */
  scale?: number;
}

const FIELDS: readonly Field[] = [
  {
    name: 'video.resolution',
    label: 'resolution',
    choices: ['360', '480', '504', '720'].map(side => [side, `${side}P`]),
  },
  { name: 'video.fps', label: 'frameRate', unit: 'fps', range: '8–24' },
  { name: 'video.bitrate', label: 'videoBitrate', unit: 'kbit/s', range: '400–1000, 200', scale: 1000 },
  { name: 'video.keyframeInterval', label: 'keyframeInterval', unit: 's', range: '2–5, 1' },
  {
    name: 'video.codec',
    label: 'videoCodec',
    choices: [
      ['avc', 'H.264'],
      ['hevc', 'H.265'],
      ['vp9', 'VP9'],
      ['av1', 'AV1'],
    ],
  },
  { name: 'audio.bitrate', label: 'audioBitrate', unit: 'kbit/s', range: '32–128, 5', scale: 1000 },
  {
    name: 'audio.codec',
    label: 'audioCodec',
    choices: [
      ['aac', 'AAC'],
      ['opus', 'Opus'],
    ],
  },
  { name: 'latencyBudget', label: 'latencyBudget', unit: 'ms', range: '200–2000', scale: 0.001 },
];

interface Row {
  field: Field;
  input: HTMLInputElement | HTMLSelectElement;
  label: HTMLElement;
}

export class Configuration {
  readonly #set: (layer: ConfigLayer) => PublishConfig;
  readonly #rows: readonly Row[];
  readonly #warnings = new Map<string, ConfigWarning>();

  constructor(set: (layer: ConfigLayer) => PublishConfig) {
    this.#set = set;
    const host = get('config', HTMLElement);
    this.#rows = FIELDS.map(field => this.#row(host, field));
    get('config-reset', HTMLButtonElement).addEventListener('click', () => {
      this.#warnings.clear();
      // Null gives a field back: what a document says, or the default, holds again.
      for (const { name } of FIELDS) this.show(set(layerOf(name, null)));
      this.#render();
    });
    onLanguage(() => this.#render());
    this.#render();
  }

  /** What holds now. */
  show(config: PublishConfig): void {
    for (const { field, input } of this.#rows) {
      const value = heldBy(config, field.name);
      input.value = typeof value === 'number' ? String(+(value / (field.scale ?? 1)).toFixed(3)) : value;
    }
  }

  warn(warning: ConfigWarning): void {
    this.#warnings.set(warning.field, warning);
    this.#render();
  }

  /** What this browser cannot encode cannot be chosen. */
  limit({ video, audio }: PublishProbe): void {
    const able: Record<string, boolean> = { ...video, aac: audio.aac !== null, opus: audio.opus !== null };
    for (const { input, field } of this.#rows) {
      if (!(input instanceof HTMLSelectElement) || !field.name.endsWith('codec')) continue;
      for (const option of input.options) option.disabled = able[option.value] === false;
    }
  }

  #row(host: HTMLElement, field: Field): Row {
    const id = `config-${field.name.replace('.', '-')}`;
    const box = add(host, 'div', 'field pair');
    const label = add(box, 'label');
    label.setAttribute('for', id);
    const input = field.choices === undefined ? number(field, id, box) : choice(field.choices);
    input.id = id;
    if (field.choices !== undefined) box.append(input);
    input.addEventListener('change', () => this.#change(field, input.value));
    return { field, input, label };
  }

  #change({ name, choices, scale = 1 }: Field, text: string): void {
    this.#warnings.delete(name);
    const isText = choices !== undefined && Number.isNaN(Number(text));
    const value = isText ? text : text.trim() === '' ? null : +(Number(text) * scale).toFixed(3);
    this.show(this.#set(layerOf(name, value)));
    this.#render();
  }

  #render(): void {
    for (const { field, label, input } of this.#rows) {
      label.textContent = t(field.label);
      input.setAttribute('aria-invalid', String(this.#warnings.has(field.name)));
    }
    const items = [...this.#warnings.values()].map(warning => {
      const item = document.createElement('li');
      item.textContent = words(warning);
      return item;
    });
    get('warnings', HTMLUListElement).replaceChildren(...items);
  }
}

/** A warning in the language of the page. */
export function words({ field, value, nearest, message }: ConfigWarning): string {
  if (language() === 'en') return message;
  const known = FIELDS.find(({ name }) => field.endsWith(name));
  const shown = (wanted: unknown) =>
    typeof wanted === 'number'
      ? `${+(wanted / (known?.scale ?? 1)).toFixed(3)} ${known?.unit ?? ''}`.trim()
      : wanted;
  const name = known !== undefined && isKey(known.label) ? t(known.label) : field;
  const wanted = typeof value === 'number' ? String(shown(value)) : JSON.stringify(value);
  return nearest === null
    ? t('warningLeftOut', { field: name, value: wanted })
    : t('warningNearest', { field: name, value: wanted, nearest: String(shown(nearest)) });
}

function number({ unit = '', range = '' }: Field, id: string, box: HTMLElement): HTMLInputElement {
  const cell = add(box, 'span', 'number');
  const hint = add(cell, 'span', 'hint');
  hint.id = `${id}-hint`;
  hint.textContent = range;
  const input = document.createElement('input');
  Object.assign(input, { type: 'number', step: 'any', inputMode: 'decimal' });
  input.setAttribute('aria-describedby', hint.id);
  cell.append(input);
  add(cell, 'span', 'unit').textContent = unit;
  return input;
}

function choice(choices: readonly (readonly [string, string])[]): HTMLSelectElement {
  const select = document.createElement('select');
  select.append(...choices.map(([value, text]) => new Option(text, value)));
  return select;
}

function heldBy(config: PublishConfig, name: string): number | string {
  const [group = '', field] = name.split('.');
  const value: unknown = Reflect.get(config, group);
  return (field === undefined ? value : Reflect.get(value as object, field)) as number | string;
}

function layerOf(name: string, value: number | string | null): ConfigLayer {
  const [group = '', field] = name.split('.');
  return (field === undefined ? { [group]: value } : { [group]: { [field]: value } }) as ConfigLayer;
}

function add(parent: HTMLElement, tag: string, name = ''): HTMLElement {
  const child = parent.appendChild(document.createElement(tag));
  child.className = name;
  return child;
}
