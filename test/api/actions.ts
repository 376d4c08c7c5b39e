// What is done by a client whose types come from /openapi.json
import createClient from 'openapi-fetch';
import type { paths } from './schema.js';

declare const process: { argv: string[]; exit(code: number): never };
const [address, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: 'Bearer ' + token } });

function must(ok: boolean, what: unknown): void {
	if (!ok) throw new Error(JSON.stringify(what));
}

async function main(): Promise<void> {
	const run = await client.POST('/v1/syncs/{sync}/run', { params: { path: { sync: 'books.customer' }, header: { 'Idempotency-Key': 'typed' } }, body: {} });
	must(run.response.status === 202 && run.data?.location === run.response.headers.get('location'), run);
	const again = await client.POST('/v1/syncs/{sync}/run', { params: { path: { sync: 'books.customer' }, header: { 'Idempotency-Key': 'typed' } }, body: {} });
	must(again.data?.queue_id === run.data?.queue_id, again);
	const made = await client.POST('/v1/consumers', { body: { consumer: 'typed', types: ['com.example.*'], from_start: true } });
	must(made.response.status === 201 && made.data?.name === 'typed', made);
	const twice = await client.POST('/v1/consumers', { body: { consumer: 'typed' } });
	must(twice.response.status === 409 && twice.error?.code === '42710', twice);
	const events = await client.POST('/v1/consumers/{consumer}/read', { params: { path: { consumer: 'typed' } }, body: { max_events: 10 } });
	must((events.data ?? []).length > 0, events);
	const last = events.data?.[events.data.length - 1].id;
	const ack = await client.POST('/v1/consumers/{consumer}/ack', { params: { path: { consumer: 'typed' } }, body: { event: last as number } });
	must(ack.response.status === 204, ack);
	const gone = await client.DELETE('/v1/consumers/{key}', { params: { path: { key: 'typed' } } });
	must(gone.response.status === 204, gone);
	// @ts-expect-error what is needed is missing
	const nothing = await client.POST('/v1/consumers', { body: {} });
	must(nothing.response.status === 400, nothing);
}

main().then(
	() => console.log('done'),
	(e) => {
		console.error(e);
		process.exit(1);
	}
);
