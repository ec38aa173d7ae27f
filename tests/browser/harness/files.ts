/** A server of the recordings, each of which is made when it is first asked for. */
import { type Asked, Folder } from './folder.js';
import { FOLDER, type Recording, recording } from './recordings.js';

export interface Files {
  folder: Folder;
  /** The folder's. */
  asked: readonly Asked[];
  /** `query`: `?whole` for no ranges. */
  url(name: Recording, query?: string): string;
}

export async function startFiles(): Promise<Files> {
  const folder = await Folder.start(FOLDER);
  return {
    folder,
    asked: folder.asked,
    url(name, query) {
      recording(name);
      return folder.url(name, query);
    },
  };
}
