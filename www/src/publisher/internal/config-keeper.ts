/** The configuration that holds: the document's layers, the app's own, and what has been said of them. */
import {
  type ConfigDocument,
  type ConfigLayer,
  type ConfigLimits,
  type ConfigWarning,
  changedFields,
  type Environment,
  effectiveConfig,
  overlay,
  type PublishConfig,
} from '../config.js';

/** Warnings that were told are remembered up to here. */
const MOST_TOLD = 1000;

export interface ConfigEvents {
  changed(config: PublishConfig, fields: readonly string[]): void;
  warning(warning: ConfigWarning): void;
}

export class ConfigKeeper {
  readonly #limits: ConfigLimits;
  readonly #environment: Environment;
  readonly #events: ConfigEvents;
  readonly #told = new Set<string>();
  #document: ConfigDocument | undefined;
  #app: ConfigLayer;
  #config: PublishConfig;

  /** `app`: its first wishes. */
  constructor(limits: ConfigLimits, environment: Environment, app: ConfigLayer, events: ConfigEvents) {
    this.#limits = limits;
    this.#environment = environment;
    this.#events = events;
    this.#app = overlay({}, app);
    const { config, warnings } = effectiveConfig(undefined, this.#app, environment, limits);
    this.#config = config;
    this.#warn(warnings);
  }

  get config(): PublishConfig {
    return structuredClone(this.#config);
  }

  set document(document: ConfigDocument) {
    this.#document = document;
    this.#merge();
  }

  /** Lays `layer` over what the app has set before; null gives a field back. */
  set(layer: ConfigLayer): void {
    this.#app = overlay(this.#app, layer);
    this.#merge();
  }

  #merge(): void {
    const { config, warnings } = effectiveConfig(this.#document, this.#app, this.#environment, this.#limits);
    const fields = changedFields(this.#config, config);
    this.#config = config;
    if (fields.length > 0) this.#events.changed(this.config, fields);
    this.#warn(warnings);
  }

  /** Each thing is told once, not with every document that is fetched; and behind the caller, who may have listeners to add. */
  #warn(warnings: readonly ConfigWarning[]): void {
    for (const warning of warnings) {
      if (this.#told.has(warning.message) || this.#told.size >= MOST_TOLD) continue;
      this.#told.add(warning.message);
      queueMicrotask(() => this.#events.warning(warning));
    }
  }
}
