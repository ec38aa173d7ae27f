/**
 * The renditions of what is played, as media-tracks and media-chrome know them: an array-like list with a selection.
 *
 * Its one invariant: at most one is selected, and none means that the player chooses. What is really received is told by the
 * player (`renditionchange`, `stats().rendition`): it follows when that place of the stream is reached.
 */

/** One rendition. What is not known is left out. */
export interface VideoRendition {
  readonly id: string;
  /** For a menu; empty where the stream has no name for it. */
  readonly name: string;
  /** Its address, where the page gave it. */
  readonly src?: string;
  readonly width?: number;
  readonly height?: number;
  /** bit/s. */
  readonly bitrate?: number;
  readonly frameRate?: number;
  /** RFC 6381, comma-separated. */
  readonly codec?: string;
  /** It was chosen. True chooses it in the place of another one; false leaves the choice to the player. */
  selected: boolean;
}

/** A rendition before it is in a list. */
export type RenditionFields = Omit<VideoRendition, 'selected'>;

/** `addrendition` and `removerendition`. */
export class RenditionEvent extends Event {
  readonly rendition: VideoRendition;

  constructor(type: 'addrendition' | 'removerendition', rendition: VideoRendition) {
    super(type);
    this.rendition = rendition;
  }
}

/** Puts these in the place of what is in the list. Nothing is chosen by that, and the `chosen` of `own()` does not hear of it. */
export let fill: (list: VideoRenditionList, all: readonly RenditionFields[], selected: string | null) => void;
/** `chosen` is told the id that the page chose; null: the player chooses. */
export let own: (list: VideoRenditionList, chosen: (id: string | null) => void) => void;

export class VideoRenditionList extends EventTarget {
  readonly [index: number]: VideoRendition;
  #all: VideoRendition[] = [];
  #selected: string | null = null;
  #chosen: (id: string | null) => void = () => {};

  static {
    fill = (list, all, selected) => list.#fill(all, selected);
    own = (list, chosen) => {
      list.#chosen = chosen;
    };
  }

  get length(): number {
    return this.#all.length;
  }

  [Symbol.iterator](): ArrayIterator<VideoRendition> {
    return this.#all.values();
  }

  getRenditionById(id: string): VideoRendition | null {
    return this.#all.find(rendition => rendition.id === id) ?? null;
  }

  /** The one that was chosen; -1: the player chooses. */
  get selectedIndex(): number {
    return this.#all.findIndex(({ id }) => id === this.#selected);
  }

  set selectedIndex(index: number) {
    this.#choose(this.#all[index]?.id ?? null);
  }

  #choose(id: string | null): void {
    if (id === this.#selected) return;
    this.#selected = id;
    this.#chosen(id);
    this.dispatchEvent(new Event('change'));
  }

  #fill(all: readonly RenditionFields[], selected: string | null): void {
    this.#selected = selected;
    const before = this.#all;
    if (JSON.stringify(before.map(fields)) === JSON.stringify(all)) return;
    this.#all = all.map(one => this.#rendition(one));
    const indexed = this as unknown as VideoRendition[];
    for (let i = 0; i < before.length; i++) delete indexed[i];
    Object.assign(indexed, this.#all);
    for (const one of before) this.dispatchEvent(new RenditionEvent('removerendition', one));
    for (const one of this.#all) this.dispatchEvent(new RenditionEvent('addrendition', one));
  }

  /** Its fields are its own: media-chrome spreads it. */
  #rendition(one: RenditionFields): VideoRendition {
    const isSelected = () => this.#selected === one.id;
    const choose = (id: string | null) => this.#choose(id);
    return {
      ...one,
      get selected() {
        return isSelected();
      },
      set selected(selected) {
        if (selected || isSelected()) choose(selected ? one.id : null);
      },
    };
  }
}

function fields({ selected: _, ...rest }: VideoRendition): RenditionFields {
  return rest;
}
