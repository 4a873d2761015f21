package web

import "testing"

func TestDebugInConsole(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.run(`
		const lines = [], write = console.debug;
		console.debug = (line) => lines.push(line);
		const connect = async () => {
			lines.length = 0;
			const client = new lmz.LumenizeClient({ baseUrl: location.origin });
			same(await client.lmz.callRaw('ECHO', undefined, client.ctn().echo('x')), 'x');
			client.disconnect();
		};
		await connect();
		same(lines.length, 0);
		localStorage.DEBUG = '*,-lmz.other';
		await connect();
		const entry = lines.map((line) => JSON.parse(line)).find((e) => e.data.state === 'connected');
		same(entry.namespace + ' ' + entry.level + ' ' + entry.message, 'lmz.client debug state changed');
		same(lines.join().includes('eyJ'), false);
		localStorage.DEBUG = '*,-lmz.client';
		await connect();
		same(lines.length, 0);
		delete localStorage.DEBUG;
		console.debug = write;`)
}
