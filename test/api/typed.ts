// A client whose types come from /openapi.json: what is not there does not compile
import createClient from 'openapi-fetch';
import type { components, paths } from './schema.js';

declare const process: { argv: string[]; exit(code: number): never };
const [address, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: 'Bearer ' + token } });

type Asked = NonNullable<paths['/v1/customers']['get']['parameters']['query']>;
const operators: [Asked, number[]][] = [
	[{ id: 'eq.3' }, [3]],
	[{ id: 'neq.1', and: '(id.lte.3)' }, [2, 3]],
	[{ id: 'gt.48' }, [49, 50]],
	[{ id: 'gte.49' }, [49, 50]],
	[{ id: 'lt.3' }, [1, 2]],
	[{ id: 'lte.2' }, [1, 2]],
	[{ name: 'like.customer 1*', id: 'lte.10' }, [1, 10]],
	[{ name: 'ilike.CUSTOMER 2' }, [2]],
	[{ name: 'match.^customer [12]$' }, [1, 2]],
	[{ name: 'imatch.^CUSTOMER 3$' }, [3]],
	[{ name: 'is.null', id: 'lte.14' }, [7, 14]],
	[{ ok: 'is.true', id: 'lte.6' }, [3, 6]],
	[{ name: 'isdistinct.customer 1', id: 'lte.2' }, [2]],
	[{ id: 'in.(1,3)' }, [1, 3]],
	[{ tags: 'cs.{b3}' }, [3]],
	[{ tags: 'cd.{a,b3,z}' }, [3]],
	[{ id: 'not.gt.2' }, [1, 2]],
	[{ id: 'eq(any).{2,4}' }, [2, 4]],
	[{ id: 'gt(all).{47,48}' }, [49, 50]],
	[{ or: '(id.eq.1,and(id.gt.2,id.lt.4),name.eq."customer 5")' }, [1, 3, 5]],
];

/* The header Link has the address of the next page */
function mark(response: Response): string | null {
	const link = /^<([^>]*)>; rel="next"$/.exec(response.headers.get('Link') ?? '');
	return link ? new URL(link[1], address).searchParams.get('after') : null;
}

async function operatorsAndPages(): Promise<void> {
	for (const [query, wanted] of operators) {
		const { data, error } = await client.GET('/v1/customers', { params: { query: { ...query, order: 'id' } } });
		const got = data?.map((row) => row.id);
		if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(JSON.stringify([query, got, error]));
	}
	const deep = await client.GET('/v1/invoices', { params: { query: { id: 'eq.3', select: 'id,customer:customers(name,region:regions(name))' } } });
	if (JSON.stringify(deep.data) !== '[{"id":3,"customer":{"name":"customer 4","region":{"name":"South"}}}]') throw new Error(JSON.stringify(deep));
	const seen: (number | null | undefined)[] = [];
	for (let after: string | null = ''; after !== null; ) {
		const page: { data?: components['schemas']['invoices'][]; error?: unknown; response: Response } = await client.GET('/v1/invoices', { params: { query: { select: 'id', order: 'customer_id.desc.nullslast', id: 'gte.1', limit: 700, after } } });
		if (!page.data) throw new Error(JSON.stringify(page.error));
		seen.push(...page.data.map((row) => row.id));
		after = mark(page.response);
	}
	if (seen.length !== 10000 || new Set(seen).size !== 10000) throw new Error(`${seen.length} rows, of them ${new Set(seen).size} different ones`);
}

async function errors(): Promise<void> {
	const asked: [number, string, Asked][] = [
		[400, 'PGRST100', { id: 'nope.1' }],
		[400, '22P02', { id: 'eq.x' }],
		[400, '22023', { after: 'AAAA' }],
		[400, 'PGRST200', { select: 'id,queue(id)' }],
		[400, '42703', { order: 'nope' }],
	];
	for (const [status, code, query] of asked) {
		const { error, response } = await client.GET('/v1/customers', { params: { query } });
		if (!error || error.code !== code || error.status !== status || response.status !== status || error.message.length < 10) throw new Error(JSON.stringify([query, error]));
	}
	const none = await client.GET('/v1/regions/{key}', { params: { path: { key: '99' } } });
	if (none.error?.code !== 'PGRST116') throw new Error(JSON.stringify(none));
	const beyond = await client.GET('/v1/regions', { params: { query: { offset: 50 }, header: { Prefer: 'count=exact' } } });
	if (beyond.error?.status !== 416) throw new Error(JSON.stringify(beyond));
	const nobody = await createClient<paths>({ baseUrl: address, headers: { Authorization: 'Bearer pgi_00000000_0' } }).GET('/v1/regions');
	if (nobody.error?.status !== 401) throw new Error(JSON.stringify(nobody));
}

async function main(): Promise<void> {
	await operatorsAndPages();
	await errors();
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
