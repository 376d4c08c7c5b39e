// node subscribe.cjs ADDRESS TOKEN TYPE N: npm's graphql-sse, unchanged, until event N has come; the number of each as it comes.
// It remembers the place of the last one, and says it when it comes back.
const { createClient } = require('graphql-sse');
const [url, token, type, n] = process.argv.slice(2);
let place;
const client = createClient({
	url,
	headers: () => ({ Authorization: `Bearer ${token}`, ...(place ? { 'Last-Event-ID': place } : {}) }),
	retryAttempts: 1000,
	retry: () => new Promise((resolve) => setTimeout(resolve, 200)),
	on: { connected: () => console.log('open') },
});
const query = 'subscription ($types: [String!]) { events(types: $types) { place type data } }';
client.subscribe(
	{ query, variables: { types: [type] } },
	{
		next: (result) => {
			if (!result.data) return console.log('errors ' + JSON.stringify(result.errors));
			place = result.data.events.place;
			console.log(result.data.events.data.n);
			if (result.data.events.data.n >= Number(n)) process.exit(0);
		},
		error: (error) => { console.log('error ' + error.message); process.exit(1); },
		complete: () => { console.log('complete'); process.exit(0); },
	},
);
setTimeout(() => process.exit(2), 90000);
