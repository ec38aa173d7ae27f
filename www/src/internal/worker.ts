/** The script of a worker that plays everything. */
import { initSync, Session } from '../wasm/sailcast.js';
import { serve } from './seats.js';

serve({ initSync, Session });
