package web

import (
	"fmt"
	"testing"

	"github.com/lumenize/lmz"
)

// TestMissedMessagesInJavaScript makes a client in the page read nothing from its socket
// while another client sends it 1,500 calls, and then everything.
func TestMissedMessagesInJavaScript(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	instance := b.run(`
		class Held extends WebSocket {
			addEventListener(type, f, ...rest) {
				const listener = type !== 'message' ? f : (event) => (window.held ? window.held.push(() => f(event)) : f(event));
				super.addEventListener(type, listener, ...rest);
			}
		}
		class Client extends lmz.LumenizeClient {
			sessions = 0;
			heard = 0;
			missed = 0;
			from = '';
			onBeforeCall() {}
			onSubscriptionRequired() { this.sessions++; }
			onMissed({ bindingName, instanceName }, calls) {
				this.missed += calls;
				this.from = bindingName + '/' + instanceName;
			}
			hear = lmz.meshFn((n) => {
				if (n < this.last || n > this.heard + this.missed) throw new Error('call ' + n + ' after ' + this.last);
				this.last = n;
				this.heard++;
			});
		}
		window.slow = new Client({ WebSocket: Held });
		await slow.connect();
		window.held = [];
		return slow.lmz.instanceName;`)
	other := s.client("carl@example.com")
	for i := range 1500 {
		if err := other.Send(t.Context(), lmz.At(lmz.DefaultGateway, instance), lmz.Ctn("hear", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.CallRaw(t.Context(), lmz.Worker("ECHO"), lmz.Ctn("echo", 1)); err != nil { // once all have been forwarded
		t.Fatal(err)
	}
	b.run(fmt.Sprintf(`
		const late = window.held;
		window.held = undefined;
		for (const f of late) f();
		for (let i = 0; i < 600 && slow.heard + slow.missed < 1500; i++) await new Promise((r) => setTimeout(r, 50));
		same(slow.heard + slow.missed, 1500);
		same(slow.missed > 200 && slow.heard > 200, true);
		same(slow.from, %q);
		same(slow.sessions, 1);
		slow.disconnect();`, other.Identity().Address.String()))
}
