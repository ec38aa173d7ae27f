/** The script of a worker that plays streams: the same with less of the engine. */
import { initSync, Session } from '../wasm/streams.js';
import { serve } from './seats.js';

serve({ initSync, Session });
