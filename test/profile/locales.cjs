// Columns of texts as people of many languages and machines write dates, times, numbers and truths, drawn from a seed, one in
// a hundred of another kind.  Rows for COPY: column, what it is, type (date, timestamp, timestamptz, time, number, boolean),
// text, and what it should come to (\N: nothing can be made of it).
//     node locales.cjs SEED COLUMNS ROWS
'use strict';
const [seed, columns, rows] = process.argv.slice(2).map(Number);
// mulberry32
let state = seed >>> 0;
function random() {
	state = (state + 0x6d2b79f5) >>> 0;
	let t = Math.imul(state ^ (state >>> 15), 1 | state);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const upTo = (n) => Math.floor(random() * n);
const one = (list) => list[upTo(list.length)];
const pad = (n, k = 2) => String(n).padStart(k, '0');

const languages = ('af am ar az be bg bn bs ca cs cy da de de-AT de-CH el en en-AU en-CA en-GB en-IN en-ZA es es-AR es-CL es-MX et eu fa fi fil fr fr-CA fr-CH ga gl gu he hi hr hu hy id is it it-CH ja ' +
	'ka kk km kn ko ky lo lt lv mk ml mn mr ms my nb ne nl nl-BE pa pl pt pt-PT ro ru rw si sk sl so sq sr sr-Latn sv sw ta te th-u-ca-gregory tk tr uk ur uz vi yo zh zh-HK zh-TW zu').split(' ');
const dirt = ['N/A', '-', '', 'unknown', '?', 'tbd', '#REF!', 'null', 'see note', '--'];

function moment() {
	return new Date(Date.UTC(1985, 0, 1) + upTo(50 * 365.25 * 86400) * 1000);
}
const day = (d) => d.toISOString().slice(0, 10);
const second = (d) => d.toISOString().slice(0, 19).replace('T', ' ');
const minute = (d) => second(d).slice(0, 16) + ':00';
const clock = (d) => second(d).slice(11);

// year and number of the ISO week, day of the year
function week(d) {
	const t = new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate() + 4 - (d.getUTCDay() || 7)));
	return [t.getUTCFullYear(), Math.ceil(((t - Date.UTC(t.getUTCFullYear(), 0, 1)) / 86400000 + 1) / 7), d.getUTCDay() || 7];
}
const dayOfYear = (d) => Math.floor((d - Date.UTC(d.getUTCFullYear(), 0, 1)) / 86400000) + 1;

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const days = 'Sun Mon Tue Wed Thu Fri Sat'.split(' ');
function shifted(d, hours) {
	return new Date(d.getTime() + hours * 3600000);
}
const y = (d) => d.getUTCFullYear(), m = (d) => d.getUTCMonth(), dd = (d) => pad(d.getUTCDate());
const half = (d) => [d.getUTCHours() % 12 || 12, d.getUTCHours() < 12 ? 'AM' : 'PM'];
const written = (type, write, want) => ({ type, write, want });
const machines = {
	'ISO week': written('date', (d) => `${week(d)[0]}-W${pad(week(d)[1])}-${week(d)[2]}`, day),
	'ISO week, compact': written('date', (d) => `${week(d)[0]}W${pad(week(d)[1])}${week(d)[2]}`, day),
	'ordinal date': written('date', (d) => `${y(d)}-${pad(dayOfYear(d), 3)}`, day),
	'two digits, D.M': written('date', (d) => `${dd(d)}.${pad(m(d) + 1)}.${pad(y(d) % 100)}`, day),
	'two digits, M/D': written('date', (d) => `${m(d) + 1}/${d.getUTCDate()}/${pad(y(d) % 100)}`, day),
	'two digits, Y-M-D': written('date', (d) => `${pad(y(d) % 100)}-${pad(m(d) + 1)}-${dd(d)}`, day),
	'day, month in capitals': written('date', (d) => `${dd(d)}-${months[m(d)].toUpperCase()}-${y(d)}`, day),
	'web server': written('timestamptz', (d) => `${dd(shifted(d, 2))}/${months[m(shifted(d, 2))]}/${y(shifted(d, 2))}:${clock(shifted(d, 2))} +0200`, second),
	'web server, in brackets': written('timestamptz', (d) => `[${dd(d)}/${months[m(d)]}/${y(d)}:${clock(d)} +0000]`, second),
	'mail': written('timestamptz', (d) => `${days[shifted(d, -5).getUTCDay()]}, ${shifted(d, -5).getUTCDate()} ${months[m(shifted(d, -5))]} ${y(shifted(d, -5))} ${clock(shifted(d, -5))} -0500`, second),
	'Python': written('timestamp', (d) => `${second(d)},${pad(d.getUTCSeconds() * 7, 3)}`, (d) => `${second(d)}.${pad(d.getUTCSeconds() * 7, 3)}`),
	'Java': written('timestamptz', (d) => `${second(d).replace(' ', 'T')}.${pad(d.getUTCSeconds() * 7, 3)}Z`, (d) => `${second(d)}.${pad(d.getUTCSeconds() * 7, 3)}`),
	'UTC': written('timestamptz', (d) => `${second(d)} UTC`, second),
	'GMT': written('timestamptz', (d) => `${dd(d)}.${pad(m(d) + 1)}.${y(d)} ${clock(d)} GMT`, second),
	'offset': written('timestamptz', (d) => `${second(shifted(d, 5.5)).replace(' ', 'T')}+05:30`, second),
	'DB2': written('timestamp', (d) => `${day(d)}-${clock(d).replace(/:/g, '.')}.000000`, second),
	'Oracle': written('timestamp', (d) => `${dd(d)}-${months[m(d)].toUpperCase()}-${pad(y(d) % 100)} ${pad(half(d)[0])}.${clock(d).slice(3).replace(':', '.')} ${half(d)[1]}`, second),
	'spreadsheet': written('timestamp', (d) => `${m(d) + 1}/${d.getUTCDate()}/${y(d)} ${half(d)[0]}:${clock(d).slice(3, 5)} ${half(d)[1]}`, minute),
	'date(1)': written('timestamptz', (d) => `${days[d.getUTCDay()]} ${months[m(d)]} ${String(d.getUTCDate()).padStart(2)} ${clock(d)} UTC ${y(d)}`, second),
	'ctime(3)': written('timestamp', (d) => `${days[d.getUTCDay()]} ${months[m(d)]} ${String(d.getUTCDate()).padStart(2)} ${clock(d)} ${y(d)}`, second),
	'compact': written('timestamptz', (d) => `${day(d).replace(/-/g, '')}T${clock(d).replace(/:/g, '')}Z`, second),
	'clock': written('time', clock, clock),
	'ordinal numbers': written('date', (d) => { const n = d.getUTCDate(); return `${months[m(d)]} ${n}${n % 100 > 10 && n % 100 < 14 ? 'th' : ['th', 'st', 'nd', 'rd'][n % 10] || 'th'}, ${y(d)}`; }, day),
	// what is no day: nothing may be made of it
	'no year': written('date', (d) => `${months[m(d)]} ${d.getUTCDate()} ${clock(d)}`, () => null),
	'no day': written('date', (d) => `${months[m(d)]}-${pad(y(d) % 100)}`, () => null),
	'quarter': written('date', (d) => `${y(d)}-Q${1 + Math.floor(m(d) / 3)}`, () => null),
	'week alone': written('date', (d) => `${week(d)[0]}-W${pad(week(d)[1])}`, () => null),
	'Buddhist year': written('date', (d) => `${dd(d)}/${pad(m(d) + 1)}/${y(d) + 543}`, () => null),
	'version': written('date', (d) => `${1 + (y(d) % 3)}.${m(d)}.${d.getUTCDate()}`, () => null),
};

function amount() {
	const size = 10 ** upTo(7);
	return Math.round((random() - 0.3) * size * 100) / 100;
}
const group = (digits, sign, by) => digits.replace(by, '$&' + sign);
const thousands = /\d(?=(\d{3})+$)/g, lakhs = /\d(?=(\d{2})*\d{3}$)/g;
const parts = (v) => Math.abs(v).toFixed(2).split('.');
const books = {
	"apostrophes": (v) => (v < 0 ? '-' : '') + group(parts(v)[0], "'", thousands) + '.' + parts(v)[1],
	'blanks, comma': (v) => (v < 0 ? '-' : '') + group(parts(v)[0], ' ', thousands) + ',' + parts(v)[1],
	'narrow blanks': (v) => (v < 0 ? '-' : '') + group(parts(v)[0], '\u202f', thousands) + ',' + parts(v)[1],
	'underscores': (v) => (v < 0 ? '-' : '') + group(parts(v)[0], '_', thousands) + '.' + parts(v)[1],
	'lakhs': (v) => (v < 0 ? '-' : '') + group(parts(v)[0], ',', lakhs) + '.' + parts(v)[1],
	'parentheses': (v) => v < 0 ? `(${group(parts(v)[0], ',', thousands)}.${parts(v)[1]})` : `${group(parts(v)[0], ',', thousands)}.${parts(v)[1]}`,
	'parentheses, dollars': (v) => v < 0 ? `($${group(parts(v)[0], ',', thousands)}.${parts(v)[1]})` : `$${group(parts(v)[0], ',', thousands)}.${parts(v)[1]}`,
	'minus behind': (v) => group(parts(v)[0], '.', thousands) + ',' + parts(v)[1] + (v < 0 ? '-' : ''),
	'minus of its own': (v) => (v < 0 ? '\u2212' : '') + parts(v).join('.'),
	'plus': (v) => (v < 0 ? '-' : '+') + parts(v).join(','),
	'pounds': (v) => (v < 0 ? '-' : '') + '£' + group(parts(v)[0], ',', thousands) + '.' + parts(v)[1],
	'code behind': (v) => (v < 0 ? '-' : '') + group(parts(v)[0], '.', thousands) + ',' + parts(v)[1] + ' EUR',
	'exponent': (v) => v.toExponential(9),
	'padded with blanks': (v) => ((v < 0 ? '-' : '') + parts(v).join('.')).padStart(14),
};

const truths = ('yes no|Ja Nein|oui non|sí no|sì no|sim não|ja nee|tak nie|ano ne|áno nie|igen nem|da nu|ja nej|kyllä ei|evet hayır|да нет|так ні|ναι όχι|да не|taip ne|ya tidak|có không|はい いいえ|是 否|true false|wahr falsch|vrai faux|' +
	'verdadero falso|vero falso|prawda fałsz|T F|Y N|J N|S N|on off|enabled disabled|1 0').split('|').map((p) => p.split(' '));

function put(n, what, type, text, want) {
	const escape = (t) => t === null ? '\\N' : t.replace(/\\/g, '\\\\').replace(/\t/g, '\\t').replace(/\n/g, '\\n');
	process.stdout.write([n, what, type, escape(text), escape(want)].join('\t') + '\n');
}

// COLUMN of a kind: what it is called, its type, and a function that draws a text and what it comes to
function drawn() {
	const kind = upTo(10), language = one(languages);
	if (kind < 3) {
		const options = one([{ dateStyle: 'short' }, { dateStyle: 'medium' }, { dateStyle: 'long' }, { dateStyle: 'full' }, { day: '2-digit', month: '2-digit', year: 'numeric' }, { day: 'numeric', month: 'numeric', year: '2-digit' },
			{ day: 'numeric', month: 'short', year: 'numeric', weekday: 'short' }, { day: '2-digit', month: 'long', year: 'numeric' }]);
		const f = new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' });
		return [`${language} ${JSON.stringify(options)}`, 'date', () => { const d = moment(); return [f.format(d), day(d)]; }];
	}
	if (kind === 3) {
		const options = one([{ dateStyle: 'short', timeStyle: 'medium' }, { dateStyle: 'medium', timeStyle: 'medium' }, { year: 'numeric', month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' }, { dateStyle: 'long', timeStyle: 'medium', hour12: true }]);
		const f = new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' });
		return [`${language} ${JSON.stringify(options)}`, 'timestamp', () => { const d = moment(); return [f.format(d), second(d)]; }];
	}
	if (kind === 4 || kind === 5) {
		const options = one([{ minimumFractionDigits: 2 }, { style: 'currency', currency: one(['EUR', 'USD', 'GBP', 'CHF', 'PLN', 'BRL', 'INR', 'SEK']) }, { style: 'currency', currency: 'EUR', currencySign: 'accounting' }, { style: 'currency', currency: 'USD', currencyDisplay: 'code' },
			{ style: 'percent', minimumFractionDigits: 2 }, { maximumFractionDigits: 0 }, { useGrouping: false, minimumFractionDigits: 1 }]);
		const f = new Intl.NumberFormat(language, options);
		return [`${language} ${JSON.stringify(options)}`, 'number', () => {
			const v = options.style === 'percent' ? Math.round(amount() % 1000) / 10000 : options.maximumFractionDigits === 0 ? Math.round(amount() * 100) : amount();
			return [f.format(v), String(v)];
		}];
	}
	if (kind < 8) {
		const name = one(Object.keys(machines)), k = machines[name];
		return [name, k.type, () => { const d = moment(); return [k.write(d), k.want(d)]; }];
	}
	if (kind === 8) {
		const name = one(Object.keys(books));
		return [name, 'number', () => { const v = amount(); return [books[name](v), String(v)]; }];
	}
	const [yes, no] = one(truths), manner = one([(t) => t, (t) => t.toUpperCase(), (t) => t.charAt(0).toUpperCase() + t.slice(1)]);
	return [`${yes}, ${no}`, 'boolean', () => random() < 0.6 ? [manner(yes), 'true'] : [manner(no), 'false']];
}

for (let n = 1; n <= columns; n++) {
	const [what, type, draw] = drawn(), clean = type === 'boolean' || random() < 0.3;
	for (let i = 0; i < rows; i++) {
		if (!clean && random() < 0.01)
			put(n, what, type, one(dirt), null);
		else
			put(n, what, type, ...draw());
	}
}
