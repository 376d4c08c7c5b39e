// node eventsource.cjs ADDRESS TOKEN N: npm's eventsource, unchanged, until N events have come; each number once
const { EventSource } = require('eventsource');
const [address, token, n] = process.argv.slice(2);
const source = new EventSource(address, { fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } }) });
source.onopen = () => console.log('open');
source.onmessage = (message) => {
	const event = JSON.parse(message.data);
	console.log(event.data.n);
	if (event.data.n >= Number(n)) process.exit(0);
};
setTimeout(() => process.exit(1), 60000);
