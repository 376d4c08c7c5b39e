// Each request that a receiver got, given to two libraries that this project did not write:
// standardwebhooks must verify it, cloudevents must parse it.  node peers.cjs REQUESTS SECRET
const fs = require('fs');
const { Webhook } = require('standardwebhooks');
const { HTTP } = require('cloudevents');

const [file, secret] = process.argv.slice(2);
const requests = JSON.parse(fs.readFileSync(file, 'utf8'));
const webhook = new Webhook(secret);
const modes = new Set();
let verified = 0, parsed = 0;
for (const { headers, body } of requests) {
	const lower = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));
	webhook.verify(body, lower);
	verified++;
	const events = [HTTP.toEvent({ headers: lower, body })].flat();
	if (events.length === 0 || !events.every((e) => e.validate() && e.id && e.source && e.data !== undefined))
		throw new Error('not a CloudEvent: ' + body);
	parsed++;
	modes.add(lower['content-type'].split(';')[0]);
}
console.log(`${verified} verified, ${parsed} parsed, ${modes.size} modes`);
