/** The menu of definitions: the renditions of what is played, and which of them is received. */
import type { Player, VideoRendition } from 'sailcast';
import { get } from './dom.js';
import * as format from './format.js';
import { onLanguage, t } from './i18n.js';

const AUTO = 'auto';

export class Definitions {
  readonly #field = get('definition-field', HTMLElement);
  readonly #select = get('definition', HTMLSelectElement);
  #player: Player | null = null;

  constructor() {
    this.#select.addEventListener('change', () => {
      const all = [...(this.#player?.videoRenditions ?? [])];
      const index = all.findIndex(({ id }) => id === this.#select.value);
      if (this.#player !== null) this.#player.videoRenditions.selectedIndex = index;
    });
    onLanguage(() => this.show());
  }

  /** Of this player from now on; null: there is none. */
  follow(player: Player | null): void {
    if (player === this.#player) return;
    this.#player = player;
    for (const type of ['addrendition', 'removerendition', 'change'])
      player?.videoRenditions.addEventListener(type, () => this.show());
    this.show();
  }

  show(): void {
    const list = this.#player?.videoRenditions;
    const all = [...(list ?? [])];
    this.#field.hidden = all.length < 2;
    const received = list?.getRenditionById(this.#player?.stats().rendition ?? '');
    const automatic = `${t('definitionAuto')}${received ? `: ${definitionName(received)}` : ''}`;
    this.#select.replaceChildren(
      new Option(automatic, AUTO),
      ...all.map(one => new Option(definitionName(one), one.id)),
    );
    this.#select.value = all.find(({ selected }) => selected)?.id ?? AUTO;
  }
}

/** As the stream names it, else by its height or its bitrate. */
export function definitionName({ name, height, bitrate, id }: VideoRendition): string {
  if (name !== '') return name;
  if (height !== undefined) return `${height}p`;
  return bitrate === undefined ? id : format.bitrate(bitrate);
}
