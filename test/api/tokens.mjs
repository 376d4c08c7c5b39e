// node tokens.mjs FOLDER: tokens made by npm's jose, good and bad, and the keys that they are to be verified with.
// FOLDER/jwks.json, rotated.json, secret; on stdout a list of [name, is it good, token]
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { writeFileSync } from 'node:fs';

const jose = await import(pathToFileURL(createRequire(process.env.NODE_PATH + '/.').resolve('jose')));
const folder = process.argv[2];
const now = Math.floor(Date.now() / 1000);
const iss = 'https://issuer.test/', aud = 'pg_ingest', secret = 'a secret of at least thirty-two bytes';
const claims = { iss, aud, exp: now + 3600, sub: 'fin' };
const made = {}, keys = [], tokens = [];
const add = (name, good, token) => tokens.push([name, good, token]);
for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']) {
	made[alg] = await jose.generateKeyPair(alg, { extractable: true });
	keys.push({ ...(await jose.exportJWK(made[alg].publicKey)), kid: alg, alg, use: 'sig' });
}
const open = await jose.generateKeyPair('RS256', { extractable: true });
keys.push({ ...(await jose.exportJWK(open.publicKey)), kid: 'open' });
const sealing = await jose.generateKeyPair('RS256', { extractable: true });
keys.push({ ...(await jose.exportJWK(sealing.publicKey)), kid: 'sealing', use: 'enc' });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
keys.push({ ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak' });
keys.push({ kty: 'oct', kid: 'oct', k: Buffer.from('another secret of thirty-two bytes').toString('base64url') });
keys.push({ kty: 'EC', crv: 'P-256', kid: 'off the curve', x: Buffer.alloc(32, 1).toString('base64url'), y: Buffer.alloc(32, 2).toString('base64url') });
keys.push({ kty: 'OKP', crv: 'Ed25519', kid: 'other kind', x: Buffer.alloc(32, 1).toString('base64url') }, 'no key', null);
const next = await jose.generateKeyPair('ES256', { extractable: true });
writeFileSync(folder + '/jwks.json', JSON.stringify({ keys }));
writeFileSync(folder + '/rotated.json', JSON.stringify({ keys: [{ ...(await jose.exportJWK(next.publicKey)), kid: 'next' }] }));
writeFileSync(folder + '/secret', secret + '\n');

const sign = (alg, more = {}, head = {}, key = made[alg].privateKey) => new jose.SignJWT({ ...claims, ...more }).setProtectedHeader({ alg, kid: alg, ...head }).sign(key);
const as = async (key, alg) => jose.importPKCS8(await jose.exportPKCS8(key), alg);
const b = (x) => Buffer.from(typeof x === 'string' || Buffer.isBuffer(x) ? x : JSON.stringify(x)).toString('base64url');
const mac = (key, payload, head = {}, hash = 'sha256') => {
	const t = b({ alg: 'HS256', ...head }) + '.' + b(payload);
	return t + '.' + createHmac(hash, key).update(t).digest('base64url');
};

for (const alg of Object.keys(made)) add(alg, true, await sign(alg));
add('without kid', true, await new jose.SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(made.ES256.privateKey));
add('a key without alg, RS384', true, await sign('RS384', {}, { kid: 'open' }, await as(open.privateKey, 'RS384')));
add('a key without alg, PS512', true, await sign('PS512', {}, { kid: 'open' }, await as(open.privateKey, 'PS512')));
add('a key of another alg', false, await sign('RS512', {}, { kid: 'RS256' }, await as(made.RS256.privateKey, 'RS512')));
add('another kid', false, await sign('RS256', {}, { kid: 'nobody' }));
add('kid of another key', false, await sign('RS256', {}, { kid: 'open' }));
add('forged', false, await sign('RS256', {}, {}, open.privateKey));
add('a key for sealing', false, await sign('RS256', {}, { kid: 'sealing' }, sealing.privateKey));
{
	const t = b({ alg: 'RS256', kid: 'weak' }) + '.' + b(claims);
	add('a weak key', false, t + '.' + createSign('RSA-SHA256').update(t).sign(weak.privateKey).toString('base64url'));
	const own = b({ alg: 'RS256', jwk: weak.publicKey.export({ format: 'jwk' }) }) + '.' + b(claims);
	add('brings its key along', false, own + '.' + createSign('RSA-SHA256').update(own).sign(weak.privateKey).toString('base64url'));
}
add('HS256', true, mac(secret, claims));
add('HS256 with another secret', false, mac(secret + 'x', claims));
add('HS256 with a public key', false, mac(await jose.exportSPKI(made.RS256.publicKey), claims, { kid: 'RS256' }));
add('HS256 with a modulus', false, mac(Buffer.from(keys[0].n, 'base64url'), claims, { kid: 'RS256' }));
add('HS256 with a secret of the set', false, mac('another secret of thirty-two bytes', claims, { kid: 'oct' }));
add('HS512', false, mac(secret, claims, { alg: 'HS512' }, 'sha512'));
for (const none of ['none', 'None', 'NONE', 'nOnE', '']) {
	add(`alg ${none}`, false, b({ alg: none }) + '.' + b(claims) + '.');
	add(`alg ${none} with something`, false, b({ alg: none }) + '.' + b(claims) + '.AAAA');
}
const when = { expired: [false, { exp: now - 31 }], 'expired within the skew': [true, { exp: now + 1 }], 'without exp': [false, { exp: undefined }], 'exp a text': [false, { exp: String(now + 600) }],
	'exp beyond all': [false, { exp: 1e300 }], 'exp null': [false, { exp: null }], 'not yet': [false, { nbf: now + 1000 }], 'not yet within the skew': [true, { nbf: now + 20 }], 'nbf a text': [false, { nbf: 'x' }],
	'another iss': [false, { iss: iss + 'x' }], 'iss a list': [false, { iss: [iss] }], 'without iss': [false, { iss: undefined }], 'another aud': [false, { aud: 'x' }], 'without aud': [false, { aud: undefined }],
	'aud a list': [true, { aud: ['x', aud] }], 'aud another list': [false, { aud: ['x'] }], 'aud an object': [false, { aud: { [aud]: 1 } }], 'somebody unknown': [false, { sub: 'nobody' }], 'two roles': [false, { groups: ['other'] }],
	'a group': [true, { sub: 'x', groups: ['a', 'fin'] }], 'a group that is a number': [false, { sub: 7 }] };
for (const [name, [good, more]] of Object.entries(when)) add(name, good, mac(secret, { ...claims, ...more }));
const text = JSON.stringify(claims);
const odd = { 'a name twice': text.replace('{', `{"exp":${now - 999},`), 'within it a name twice': text.replace('{', '{"a":{"b":1,"b":2},'), 'a zero in a name': text.replace('"exp"', '"exp\\u0000x"'),
	'a zero in a value': text.replace('"fin"', '"fin\\u0000x"'), 'a name twice, escaped': text.replace('{', '{"\\u0065xp":1,'), deep: text.replace('{', '{"a":' + '['.repeat(2000) + ']'.repeat(2000) + ','),
	'more behind': text + ' x', two: text + text, 'a list': '[]', nothing: '', 'a comment': text.replace('{', '{/*x*/'), huge: JSON.stringify({ ...claims, x: 'x'.repeat(9000) }),
	'no text': Buffer.concat([Buffer.from(text.slice(0, -1) + ',"x":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]) };
for (const [name, payload] of Object.entries(odd)) add(name, false, mac(secret, payload));
add('another role', true, mac(secret, { ...claims, sub: 'x', groups: ['other'] }));
add('of scope operate', true, mac(secret, { ...claims, scope: 'x ingest.operate' }));
add('of scope admin', true, mac(secret, { ...claims, scp: ['ingest.admin'] }));
add('colons and quotes', true, mac(secret, { ...claims, x: 'a:b"c\\":d', 'k:k': ':' }));
add('crit', false, mac(secret, claims, { crit: ['exp'] }));
add('b64', false, mac(secret, claims, { b64: false }));
add('another typ', false, mac(secret, claims, { typ: 'JWE' }));
add('typ of RFC 9068', true, mac(secret, claims, { typ: 'at+jwt' }));
add('kid a number', false, mac(secret, claims, { kid: 1 }));
const es = await sign('ES256'), rs = await sign('RS256');
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
add('padded', false, es + '=');
add('four parts', false, es + '.x');
add('two parts', false, es.split('.').slice(0, 2).join('.'));
add('dots', false, '..');
add('a signature cut', false, es.slice(0, -4));
add('a signature with more', false, es + 'AAAA');
add('a signature of zeros', false, es.split('.').slice(0, 2).join('.') + '.' + Buffer.alloc(64).toString('base64url'));
add('other claims', false, rs.split('.')[0] + '.' + b({ ...claims, sub: 'root' }) + '.' + rs.split('.')[2]);
add('other last bits', false, rs.slice(0, -1) + digits[digits.indexOf(rs.slice(-1)) ^ 1]);
add('next', null, await sign('ES256', {}, { kid: 'next' }, next.privateKey));
console.log(JSON.stringify(tokens));
