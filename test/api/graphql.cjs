// GraphQL against clients that this project did not write: graphql-http's audit, graphql-js' parser, validation and client schema.
//   audit URL TOKEN                       the audit of GraphQL over HTTP
//   documents FILE.copy N SEED SCHEMA     documents, good and bad, as lines that COPY reads; SCHEMA is what introspection answered
//   compare FILE.copy FILE.answers SCHEMA do both say the same of each?
//   schema SCHEMA                         does graphql-js make a schema of it, and find it good?
const fs = require('fs');
const g = require('graphql');
const { auditServer } = require('graphql-http');
const [what, ...args] = process.argv.slice(2);

// -- chance --

let state = 1;
function random() {
	state ^= state << 13;
	state ^= state >>> 17;
	state ^= state << 5;
	return (state >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const one = (list) => list[below(list.length)];
const maybe = (share) => random() < share;
const times = (n, f) => Array.from({ length: n }, f);

// -- documents by grammar: whatever can be written --

const names = ['a', 'b', 'id', 'on', 'query', 'fragment', 'true', 'null', '_x', 'A1', 'type', 'first', 'mutation', '__typename'];
const space = () => one(['', '', '', ' ', '\n', '\t', ',', ' # comment "{\n', '\r\n', '\ufeff', '\r', ', ,']);
const name = () => one(names);
function string() {
	const piece = () => one(['x', ' ', 'ü', '日', '😀', '\\n', '\\"', '\\\\', '\\/', '\\u0041', '\\u{1F600}', '\\uD83D\\uDE00', '\\u{61}', '$a', '{', '#', '\t', '\x01']);
	const line = () => one(['x', '  x', '\n', '\r\n', '\r', '\t', ' ', '"', '\\"""', 'ü', '\\n', '\\u0041', '""x', '    y']);
	return maybe(0.5) ? '"' + times(below(5), piece).join('') + '"' : '"""' + times(below(8), line).join('') + (maybe(0.8) ? ' """' : '"""');
}
const number = () => one(['0', '-0', '1', '12', '-3', '0.5', '1.0', '1e3', '-2E-4', '1.5e+10', '2147483648', '9007199254740993']);
function value(depth, constant) {
	const kind = below(depth > 3 ? 6 : 9);
	if (kind === 0) return number();
	if (kind === 1) return string();
	if (kind === 2) return one(['true', 'false', 'null']);
	if (kind === 3) return one(['a', 'DESC', 'name_ASC', 'on']);
	if (kind === 4 && !constant) return '$' + space() + name();
	if (kind <= 5) return number();
	if (kind === 6) return '[' + space() + times(below(3), () => value(depth + 1, constant)).join(one([',', ' ', '\n'])) + space() + ']';
	return '{' + space() + times(below(3), () => name() + space() + ':' + space() + value(depth + 1, constant)).join(one([',', ' ', '\n'])) + space() + '}';
}
const given = (constant) => (maybe(0.3) ? space() + '(' + times(1 + below(2), () => name() + ':' + space() + value(0, constant)).join(' ') + ')' : '');
const directives = (constant) => (maybe(0.15) ? times(1 + below(2), () => ' @' + space() + one(['skip', 'include', 'x']) + given(constant)).join('') : '');
function type(depth) {
	const bare = maybe(0.3) && depth < 4 ? '[' + space() + type(depth + 1) + ']' : one(['Int', 'String', 'ID', 'Boolean', 'a']);
	return bare + (maybe(0.3) ? space() + '!' : '');
}
function selections(depth) {
	return '{' + space() + times(1 + below(3), () => selection(depth)).join(one([' ', '\n', ','])) + space() + '}';
}
function selection(depth) {
	const kind = below(10);
	if (kind === 0) return '...' + space() + one(['a', 'b', 'F']) + directives();
	if (kind === 1 && depth < 5) return '...' + (maybe(0.5) ? ' on ' + one(['a', 'Query']) : '') + directives() + space() + selections(depth + 1);
	return (maybe(0.2) ? name() + space() + ':' + space() : '') + name() + given() + directives() + (depth < 5 && maybe(0.4) ? space() + selections(depth + 1) : '');
}
function definition() {
	if (maybe(0.2)) return 'fragment ' + one(['a', 'b', 'F']) + ' on ' + one(['a', 'Query']) + directives() + space() + selections(0);
	if (maybe(0.3)) return selections(0);
	const variables = maybe(0.4) ? '(' + times(1 + below(2), () => '$' + name() + ':' + space() + type(0) + (maybe(0.3) ? ' = ' + value(0, true) : '') + directives(true)).join(' ') + ')' : '';
	return one(['query', 'mutation', 'subscription']) + (maybe(0.6) ? ' ' + name() : '') + space() + variables + directives() + space() + selections(0);
}
const written = () => space() + times(1 + below(2), definition).join(space() + '\n') + space();

// a letter less, more, other; a piece twice; an end too early
function spoilt(text) {
	for (let n = 1 + below(3); n > 0; n--) {
		const points = Array.from(text);
		const at = below(points.length + 1);
		const kind = below(6);
		if (kind === 0) points.splice(at, 1);
		else if (kind === 1) points.splice(at, 0, one(['{', '}', '(', ')', '[', ']', '"', '"""', '$', '@', '!', ':', '...', '.', '0', 'e', '\\', '\\u', '\\u{', '#', '\n', "'", ';', '-', '=', '&', '|', 'ü', '\x07', ' on ']));
		else if (kind === 2) points.splice(at, 1, one(['x', ' ', '1', '{', '"']));
		else if (kind === 3) points.splice(at, 0, ...points.slice(at, at + below(10)));
		else if (kind === 4) points.length = at;
		else points.splice(at, below(6));
		text = points.join('');
	}
	return text;
}

// -- documents by schema: whatever can be asked, and what is almost that --

function literal(schema, wanted, depth, variables) {
	if (g.isNonNullType(wanted)) return literal(schema, wanted.ofType, depth, variables);
	if (maybe(0.04)) return 'null';
	if (variables && maybe(0.12)) {
		const called = 'v' + variables.length;
		variables.push('$' + called + ': ' + (maybe(0.9) ? wanted : one(['Int', 'String', 'ID!', '[Int!]', 'Nope', 'Query'])) + (maybe(0.3) ? ' = ' + literal(schema, wanted, 9) : '') + (maybe(0.03) ? ' @skip(if: true)' : ''));
		return '$' + (maybe(0.97) ? called : 'nope');
	}
	if (g.isListType(wanted)) return maybe(0.8) ? '[' + times(below(3), () => literal(schema, wanted.ofType, depth + 1, variables)).join(', ') + ']' : literal(schema, wanted.ofType, depth, variables);
	if (maybe(0.06)) return one(['1', '"x"', 'true', 'NOPE', '{}', '[]', '[1]', '1.5', '{a: 1}', '99999999999', '{and: []}', '[[{}]]']);
	if (g.isEnumType(wanted)) return one(wanted.getValues()).name;
	if (g.isInputObjectType(wanted)) {
		const fields = Object.values(wanted.getFields());
		return '{' + times(depth > 3 ? 0 : below(3), () => one(fields)).map((f) => (maybe(0.97) ? f.name : 'nope') + ': ' + literal(schema, f.type, depth + 1, variables)).join(', ') + '}';
	}
	return { Int: () => String(below(20)), Float: () => '1.5', Boolean: () => one(['true', 'false']), String: () => '"x"', ID: () => one(['"x"', '1']), JSON: () => '{a: [1, "x", null]}' }[wanted.name]?.() ?? one(['"1"', '1', '"2026-01-01"']);
}
function asked(schema, parent, depth, x) {
	const fields = Object.values(parent.getFields());
	const parts = times(1 + below(3), () => {
		if (maybe(0.05)) return '__typename';
		if (maybe(0.02)) return 'nope';
		if (maybe(0.03)) return '... ' + one(['F0', 'F1', 'F2', 'Nope']) + (maybe(0.2) ? ' @include(if: true)' : '');
		if (maybe(0.06) && depth < 6) {
			const on = maybe(0.7) ? parent : one(x.objects);
			return '... ' + (maybe(0.8) ? 'on ' + (maybe(0.95) ? on : one(['Nope', 'String', 'Node'])) + ' ' : '') + (maybe(0.1) ? '@skip(if: false) ' : '') + asked(schema, on, depth + 1, x);
		}
		const f = one(fields);
		const named = g.getNamedType(f.type);
		const leaf = g.isLeafType(named);
		if (!leaf && depth > 5) return '__typename';
		let out = (maybe(0.08) ? one(['a', 'b', fields[0].name]) + ': ' : '') + f.name;
		const gave = f.args.filter((a) => (g.isRequiredArgument(a) ? maybe(0.96) : maybe(0.15))).map((a) => (maybe(0.98) ? a.name : 'nope') + ': ' + literal(schema, a.type, 0, x.variables));
		if (gave.length && maybe(0.02)) gave.push(gave[0]);
		if (gave.length) out += '(' + gave.join(', ') + ')';
		if (maybe(0.04)) out += one([' @skip(if: true)', ' @include(if: $v0)', ' @nope', ' @skip', ' @skip(if: true) @skip(if: false)', ' @deprecated', ' @include(if: 1)', ' @skip(if: false, x: 1)']);
		if (maybe(leaf ? 0.02 : 0.98)) out += leaf ? ' { id }' : ' ' + asked(schema, named, depth + 1, x);
		return out;
	});
	return '{ ' + parts.join(' ') + ' }';
}
function drawn(schema, x) {
	const out = [];
	const roots = [schema.getQueryType(), schema.getQueryType(), schema.getQueryType(), schema.getMutationType() || schema.getQueryType(), schema.getSubscriptionType() || schema.getQueryType()];
	for (let i = maybe(0.9) ? 1 : 2; i > 0; i--) {
		const root = one(roots);
		x.variables = [];
		const body = asked(schema, root, 0, x);
		if (maybe(0.03)) x.variables.push('$unused: Int');
		if (x.variables.length && maybe(0.02)) x.variables.push(x.variables[0]);
		const variables = x.variables.length ? '(' + x.variables.join(', ') + ')' : '';
		out.push((root === schema.getMutationType() ? 'mutation' : root === schema.getSubscriptionType() ? 'subscription' : 'query') + (maybe(0.7) ? ' ' + one(['q', 'r']) : '') + variables + (maybe(0.02) ? ' @skip(if: true)' : '') + ' ' + body);
	}
	const used = /\.\.\. (F\d)/.exec(out.join(' '));
	for (const f of ['F0', 'F1', 'F2'])
		if ((used && out.join(' ').includes('... ' + f)) || maybe(0.02)) {
			x.variables = maybe(0.05) ? [] : null;
			const on = one(x.objects);
			out.push('fragment ' + f + ' on ' + (maybe(0.97) ? on : one(['Nope', 'String', 'Node'])) + ' ' + asked(schema, on, 4, x));
		}
	return out.join('\n');
}

// -- as COPY writes text --

const escaped = (text) => text.replace(/[\\\n\r\t]/g, (c) => ({ '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' })[c]);
const plain = (text) => text.replace(/\\(.)/g, (_, c) => ({ n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v' })[c] ?? c);
const lines = (file) => fs.readFileSync(file, 'utf8').split('\n').slice(0, -1).map(plain);
const schemaOf = (file) => g.buildClientSchema(JSON.parse(fs.readFileSync(file, 'utf8')).data);

if (what === 'audit') {
	const [url, token] = args;
	const fetchFn = (address, options = {}) => {
		const headers = new Headers(options.headers);
		headers.set('authorization', 'Bearer ' + token);
		return fetch(address, { ...options, headers });
	};
	auditServer({ url, fetchFn }).then((results) => {
		const count = { ok: 0, notice: 0, warn: 0, error: 0 };
		for (const r of results) {
			count[r.status]++;
			if (r.status !== 'ok') console.log(r.status + ' ' + r.id + ' ' + r.name + ': ' + r.reason);
		}
		console.log(JSON.stringify(count));
		process.exit(count.error + count.warn > 0 || results.length < 50 ? 1 : 0);
	});
} else if (what === 'schema') {
	const schema = schemaOf(args[0]);
	const wrong = g.validateSchema(schema);
	console.log(wrong.map((e) => e.message).join('\n') + Object.keys(schema.getTypeMap()).length + ' types');
	process.exit(wrong.length ? 1 : 0);
} else if (what === 'documents') {
	const [file, n, seed, schemaFile] = args;
	const schema = schemaOf(schemaFile);
	const x = { variables: null, objects: Object.values(schema.getTypeMap()).filter((t) => g.isObjectType(t) && !t.name.startsWith('__')) };
	state = Number(seed) * 2 + 1;
	times(20, random);
	const out = times(Number(n), (_, i) => {
		if (i === 0) return g.getIntrospectionQuery();
		const by = below(4);
		return by === 0 ? written() : by === 1 ? spoilt(written()) : by === 2 ? drawn(schema, x) : maybe(0.7) ? drawn(schema, x) : spoilt(drawn(schema, x));
	});
	fs.writeFileSync(file, out.map((d) => escaped(d) + '\n').join(''));
} else if (what === 'compare') {
	const [file, answersFile, schemaFile] = args;
	const schema = schemaOf(schemaFile);
	const documents = lines(file);
	const answers = lines(answersFile).map((a) => JSON.parse(a));
	const count = { documents: 0, parsed: 0, good: 0, limits: 0, differ: 0 };
	const seen = {};
	const differ = (d, why) => {
		if (++count.differ <= 10) console.log('--- ' + why + '\n' + JSON.stringify(d));
	};
	if (answers.length !== documents.length) differ('', answers.length + ' answers to ' + documents.length);
	documents.forEach((d, i) => {
		const errors = answers[i]?.errors ?? [];
		const code = errors[0]?.extensions.code;
		// we stop at so many
		if (errors.length === 50) return void count.limits++;
		count.documents++;
		if (code === 'LIMIT_EXCEEDED') return void count.limits++;
		// a character that no text of the database has
		if (errors.some((e) => /U\+0000/.test(e.message))) return void count.limits++;
		let document;
		try {
			document = g.parse(d);
		} catch (e) {
			const at = e.locations[0];
			if (code !== 'GRAPHQL_PARSE_FAILED') differ(d, 'it parses, but: ' + e.message);
			return;
		}
		const executable = document.definitions.every(g.isExecutableDefinitionNode);
		if (code === 'GRAPHQL_PARSE_FAILED') {
			if (executable) differ(d, 'it does not parse, but should: ' + errors[0].message);
			return;
		}
		if (!executable) return differ(d, 'definitions of types parse');
		count.parsed++;
		let broken;
		try {
			broken = g.specifiedRules.filter((rule) => g.validate(schema, document, [rule]).length > 0);
		} catch (e) {
			// of a subscription it looks at directives before it is known that they are well-formed
			return void count.limits++;
		}
		// what leads to itself is not looked at for fields that cannot be merged
		const circular = broken.some((rule) => rule.name === 'NoFragmentCyclesRule');
		const theirs = broken.map((rule) => rule.name.replace(/Rule$/, '')).filter((rule) => !circular || rule !== 'OverlappingFieldsCanBeMerged').sort();
		const ours = [...new Set(errors.map((e) => e.extensions.rule).filter((r) => r))].sort();
		theirs.forEach((rule) => (seen[rule] = (seen[rule] ?? 0) + 1));
		if (theirs.length === 0) count.good++;
		if (theirs.join() !== ours.join()) differ(d, 'they: ' + theirs + '; we: ' + ours + ' ' + JSON.stringify(errors));
	});
	console.log(JSON.stringify({ ...count, rules: seen }));
	process.exit(count.differ || count.good < documents.length / 20 || count.parsed < documents.length / 3 ? 1 : 0);
}
