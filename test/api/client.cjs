// The client that PostgREST's users have, unchanged: every operator, relations two deep, pages to the end, errors
const { PostgrestClient } = require('@supabase/postgrest-js');
const [address, token] = process.argv.slice(2);
const db = new PostgrestClient(address, { headers: { Authorization: 'Bearer ' + token } });
let n = 0;
let failed = 0;
function check(what, good, seen) {
	n++;
	if (!good) failed++;
	console.log((good ? 'ok ' : 'not ok ') + n + ' - ' + what + (good ? '' : '\n# ' + JSON.stringify(seen)));
}
async function ids(query) {
	const { data, error } = await query;
	return error ? error : data.map((r) => r.id);
}
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
(async () => {
	const c = () => db.from('customers').select('id').order('id');
	const asked = {
		eq: [c().eq('id', 3), [3]],
		neq: [c().neq('id', 1).lte('id', 3), [2, 3]],
		'gt, lt': [c().gt('id', 3).lt('id', 6), [4, 5]],
		'gte, lte': [c().gte('id', 3).lte('id', 4), [3, 4]],
		like: [c().like('name', 'customer 1%').lte('id', 12), [1, 10, 11, 12]],
		ilike: [c().ilike('name', '%TOMER 1%').lte('id', 11), [1, 10, 11]],
		likeAnyOf: [c().likeAnyOf('name', ['customer 2', 'customer 4']), [2, 4]],
		likeAllOf: [c().likeAllOf('name', ['cust%', '% 4']), [4]],
		ilikeAnyOf: [c().ilikeAnyOf('name', ['CUSTOMER 2', 'x']), [2]],
		'is null': [c().is('name', null).lte('id', 14), [7, 14]],
		'in': [c().in('name', ['customer 3', 'a,b', '(c)']), [3]],
		contains: [c().contains('tags', ['b3']), [3]],
		'contains of JSON': [c().contains('doc', { k: 4 }), [4]],
		containedBy: [c().containedBy('tags', ['a', 'b3', 'z']), [3]],
		not: [c().not('id', 'gt', 2), [1, 2]],
		or: [c().or('id.eq.1,and(id.gt.2,id.lt.4),name.eq."customer 5"'), [1, 3, 5]],
		match: [c().match({ id: 2, name: 'customer 2' }), [2]],
		filter: [c().filter('doc->>k', 'eq', '6'), [6]],
		'range': [c().range(2, 4), [3, 4, 5]],
		'of a relation': [db.from('invoices').select('id, customers!inner(name)').eq('customers.name', 'customer 2').order('id').limit(2), [1, 51]],
		ilikeAllOf: [c().ilikeAllOf('name', ['CUST%', '% 4']), [4]],
		matches: [c().filter('name', 'match', '^customer [12]$'), [1, 2]],
		imatch: [c().filter('name', 'imatch', '^CUSTOMER [12]$'), [1, 2]],
		'is true': [c().is('ok', true).lte('id', 6), [3, 6]],
		'is false': [c().is('ok', false).lte('id', 6), [1, 4]],
		'is not null': [c().not('ok', 'is', null).lte('id', 4), [1, 3, 4]],
		'is unknown': [c().filter('ok', 'is', 'unknown').lte('id', 5), [2, 5]],
		'not in': [c().not('id', 'in', '(1,2)').lte('id', 4), [3, 4]],
		'any': [c().filter('id', 'eq(any)', '{2,3}'), [2, 3]],
		'all': [c().filter('id', 'gt(all)', '{2,3}').lte('id', 5), [4, 5]],
		'not any': [c().filter('id', 'not.lt(any)', '{48,49}'), [49, 50]],
		'dates': [c().gte('since', '2026-02-19').lt('since', '2026-02-20'), [49]],
		'nested': [c().or('and(id.lt.3,not.and(id.eq.1)),id.in.(50)'), [2, 50]],
		'or of a relation': [db.from('invoices').select('id, customers!inner(id)').or('id.eq.2,name.eq."customer 4"', { referencedTable: 'customers' }).order('id').limit(3), [1, 3, 51]],
		'order, nulls first': [db.from('customers').select('id').order('name', { ascending: false, nullsFirst: true }).order('id').limit(2), [7, 14]],
		'order, nulls last': [db.from('customers').select('id').order('name', { ascending: false, nullsFirst: false }).order('id').limit(2), [9, 8]],
		isDistinct: [c().filter('name', 'isdistinct', 'customer 1').lte('id', 3), [2, 3]],
	};
	for (const [what, [query, wanted]] of Object.entries(asked)) {
		const got = await ids(query);
		check(what, same(got, wanted), got);
	}
	const spread = await db.from('invoices').select('id, ...customers(customer:name, ...regions(region:name))').eq('id', 3).single();
	check('spread two deep', same(spread.data, { id: 3, customer: 'customer 4', region: 'South' }), spread);
	const called = await db.rpc('search', { q: 'customer' });
	check('a function', called.error === null && Array.isArray(called.data), called);
	const got = await db.rpc('search', { q: 'customer' }, { get: true });
	check('by GET', same(got.data, called.data), got);
	const deep = await db.from('invoices').select('id, customer:customers(name, region:regions(id, name))').eq('id', 3).single();
	check('relations two deep', same(deep.data, { id: 3, customer: { name: 'customer 4', region: { id: 2, name: 'South' } } }), deep);
	const back = await db.from('regions').select('name, customers(id, invoices(id))').eq('id', 1).order('id', { referencedTable: 'customers' }).limit(1, { referencedTable: 'customers' }).single();
	check('and back', back.data && back.data.customers.length === 1 && back.data.customers[0].invoices.length > 0, back);
	const count = await db.from('invoices').select('*', { count: 'exact', head: true });
	check('count alone', count.count === 10000 && count.data === null, count);
	const planned = await db.from('invoices').select('id', { count: 'planned' }).limit(1);
	check('planned count', planned.count > 0, planned);
	const one = await db.from('customers').select('id').gt('id', 0).single();
	check('one of many is an error', one.error && one.error.code === 'PGRST116', one);
	const none = await db.from('customers').select('id').eq('id', -1).maybeSingle();
	check('none or one', none.error === null && none.data === null, none);
	const csv = await db.from('customers').select('id,name').lte('id', 2).order('id').csv();
	check('CSV', csv.data === 'id,name\n1,customer 1\n2,customer 2', csv);
	const cast = await db.from('customers').select('id::text, word:doc->>k').eq('id', 5).single();
	check('cast, alias, member', same(cast.data, { id: '5', word: '5' }), cast);
	const seen = new Set();
	for (let last = 0; ; ) {
		const page = await db.from('invoices').select('id').gt('id', last).order('id').limit(1000);
		if (page.error || page.data.length === 0) break;
		page.data.forEach((r) => seen.add(r.id));
		last = page.data[page.data.length - 1].id;
	}
	check('all pages, while rows change', seen.size >= 10000, seen.size);
	const ranges = new Set();
	for (let from = 0; ; from += 1000) {
		const page = await db.from('invoices').select('id').gte('id', 1).order('id').range(from, from + 999);
		if (page.error || page.data.length === 0) break;
		page.data.forEach((r) => ranges.add(r.id));
	}
	check('by ranges, too', ranges.size === 10000, ranges.size);
	for (const [what, query, code] of [
		['no such column', db.from('customers').select('nope'), '42703'],
		['no such resource', db.from('nope').select(), 'PGRST205'],
		['no such relation', db.from('customers').select('id, queue(id)'), 'PGRST200'],
		['a value that is none', db.from('customers').select().eq('id', 'x'), '22P02'],
		['an operator that is not there', db.from('customers').select().textSearch('name', 'x'), 'PGRST100'],
		['a column of another', db.from('shop.secret').select('hidden, nope'), '42703'],
		['beyond the last row', db.from('regions').select('id', { count: 'exact' }).range(50, 60), 'PGRST103'],
		['an ambiguous answer', db.from('regions').select().gt('id', 0).single(), 'PGRST116'],
		['a function that is not there', db.rpc('nope'), 'PGRST202'],
		['a function without what it needs', db.rpc('search', {}), '22023'],
		['updating', db.from('customers').update({ id: 1 }).eq('id', 1), 'PGRST117'],
		['deleting', db.from('customers').delete().eq('id', 1), 'PGRST117'],
		['writing', db.from('customers').insert({ id: 1 }), 'PGRST117'],
		['another schema', db.schema('private').from('customers').select(), 'PGRST106'],
	]) {
		const r = await query;
		check(what, r.error && r.error.code === code && r.error.message.length > 10, r);
	}
	const nobody = await new PostgrestClient(address, { headers: { Authorization: 'Bearer pgi_00000000_0' } }).from('customers').select();
	check('a token that is none', nobody.status === 401, nobody);
	console.log('1..' + n);
	process.exit(failed ? 1 : 0);
})();
