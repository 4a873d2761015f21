// Runs the program in Node.js or Bun: run.mjs PROGRAM URL TOKEN

const [program, baseUrl, token] = process.argv.slice(2);
const { main } = await import(program);
const WebSocket = globalThis.WebSocket ?? (await import('ws')).WebSocket;
console.log(JSON.stringify(await main({ baseUrl, WebSocket, refresh: async () => ({ access_token: token }) })));
