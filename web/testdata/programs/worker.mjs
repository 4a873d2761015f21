// Runs the program in a Worker.

import { main } from './program.js';

onmessage = async ({ data: { baseUrl, token } }) => {
  try {
    postMessage(await main({ baseUrl, refresh: async () => ({ access_token: token }) }));
  } catch (error) {
    postMessage(`failed: ${error.stack}`);
  }
};
