// A client whose types come from /openapi.json: what is not there does not compile
import createClient from 'openapi-fetch';
import type { components, paths } from './schema.js';

declare const process: { argv: string[]; exit(code: number): never };
const [address, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: 'Bearer ' + token } });

async function main(): Promise<void> {
	const { data, error } = await client.GET('/v1/customers', { params: { query: { id: 'lt.3', order: 'id' } } });
	if (error || !data) throw new Error(JSON.stringify(error));
	const ids: (number | null | undefined)[] = data.map((row: components['schemas']['customers']) => row.id);
	if (JSON.stringify(ids) !== '[1,2]') throw new Error(JSON.stringify(ids));
	const one = await client.GET('/v1/regions/{key}', { params: { path: { key: '1' } } });
	if (one.data?.name !== 'North') throw new Error(JSON.stringify(one));
	// @ts-expect-error there is no such resource
	await client.GET('/v1/nothing', {}).then((r: { response: Response }) => {
		if (r.response.status !== 404) throw new Error('status ' + r.response.status);
	});
}

main().then(
	() => console.log('done'),
	(e) => {
		console.error(e);
		process.exit(1);
	}
);
