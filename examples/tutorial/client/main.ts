import type { LumenizeClientConfig } from '@lumenize/lmz';

import { EditorClient } from './editor.js';

/** Opens a document, saves a text with a mistake, and returns what it is told about it. */
export async function main(config: LumenizeClientConfig): Promise<string[]> {
  using client = new EditorClient(config); // it connects by itself, and disconnects at the end of the block
  const said: string[] = [];
  await new Promise<void>((resolve) => {
    const notes = client.openDocument('notes', {
      onContentUpdate: (content) => said.push(`content: ${content}`),
      onSpellFindings: (findings) => {
        for (const { word, position, suggestions } of findings) said.push(`${word} at ${position}: ${suggestions}`);
        notes.close();
        resolve();
      },
    });
    notes.saveContent('Teh quick brown fox');
  });
  return said;
}
