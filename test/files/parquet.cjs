// Parquet read by those who did not write it.
//   node parquet.cjs duckdb < one statement a line: rows of each as JSON, a line each, or {"error": …}
//   node parquet.cjs hyparquet FILE…: rows as JSON objects, a line each; 64-bit numbers, bytes and times as texts
//   node parquet.cjs pages FILE…: for each file its pages, and how many of them have a checksum that is right
const { createInterface } = require('node:readline');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { crc32 } = require('node:zlib');

async function duckdb() {
	const { DuckDBInstance } = require('@duckdb/node-api');
	const c = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
	await c.run("SET TimeZone = 'UTC'");
	for await (const line of createInterface({ input: process.stdin })) {
		try {
			console.log(JSON.stringify((await c.runAndReadAll(JSON.parse(line))).getRowsJson()));
		} catch (e) {
			console.log(JSON.stringify({ error: String(e) }));
		}
	}
}

function plain(key, value) {
	if (typeof value === 'bigint') return String(value);
	if (value instanceof Uint8Array) return '\\x' + Buffer.from(value).toString('hex');
	return value;
}

const library = (name) => import(path.join(process.env.NODE_PATH, 'hyparquet', 'src', name));

// Headers by hyparquet's Thrift, checksums by zlib
async function pages(files) {
	const { parquetMetadata } = await library('index.js');
	const { deserializeTCompactProtocol } = await library('thrift.js');
	for (const name of files) {
		const bytes = readFileSync(name);
		const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
		let pages = 0, right = 0;
		for (const group of parquetMetadata(buffer).row_groups) {
			for (const { meta_data: m } of group.columns) {
				let at = Number(m.dictionary_page_offset ?? m.data_page_offset);
				const end = at + Number(m.total_compressed_size);
				while (at < end) {
					const reader = { view: new DataView(buffer, at), offset: 0 };
					const header = deserializeTCompactProtocol(reader);
					const from = at + reader.offset;
					at = from + header.field_3;
					pages++;
					if ((header.field_4 >>> 0) === crc32(bytes.subarray(from, at))) right++;
				}
			}
		}
		console.log(`${pages} ${right}`);
	}
}

async function hyparquet(files) {
	const { parquetReadObjects } = await library('index.js');
	const { asyncBufferFromFile } = await library('node.js');
	const { compressors } = await import(path.join(process.env.NODE_PATH, 'hyparquet-compressors', 'src', 'index.js'));
	// times as they are stored, since a Date has milliseconds alone
	const parsers = { timestampFromMicroseconds: (n) => n, dateFromDays: (n) => n };
	for (const name of files) {
		const rows = await parquetReadObjects({ file: await asyncBufferFromFile(name), compressors, parsers, utf8: false });
		for (let i = 0; i < rows.length; i += 1000)
			process.stdout.write(rows.slice(i, i + 1000).map((r) => JSON.stringify(r, plain)).join('\n') + '\n');
	}
}

const [who, ...files] = process.argv.slice(2);
({ duckdb, hyparquet, pages })[who](files).catch((e) => { console.error(e); process.exit(1); });
