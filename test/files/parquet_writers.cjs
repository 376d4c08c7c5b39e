/* Writers of Parquet that this project did not write: DuckDB, and arrow-rs by parquet-wasm.  A command a line, as JSON:
 * {"sql": …} runs in DuckDB; {"from": …, "to": …, …} writes a file again in other ways.  An answer a line. */
'use strict';
const { createInterface } = require('node:readline');
const { readFileSync, writeFileSync } = require('node:fs');
const { DuckDBInstance } = require('@duckdb/node-api');
const wasm = require('parquet-wasm');

function rewrite({ from, to, version, codec, dictionary, encodings, pageBytes, groupRows, statistics }) {
    const table = wasm.readParquet(readFileSync(from));
    let properties = new wasm.WriterPropertiesBuilder()
        .setWriterVersion(version === 2 ? wasm.WriterVersion.V2 : wasm.WriterVersion.V1)
        .setCompression(wasm.Compression[codec])
        .setDictionaryEnabled(dictionary)
        .setDataPageSizeLimit(pageBytes)
        .setWriteBatchSize(100)
        .setStatisticsEnabled(statistics ? wasm.EnabledStatistics.Page : wasm.EnabledStatistics.None)
        .setMaxRowGroupSize(groupRows);
    for (const [column, encoding] of Object.entries(encodings))
        properties = properties.setColumnEncoding(column, wasm.Encoding[encoding]);
    writeFileSync(to, wasm.writeParquet(table, properties.build()));
}

async function main() {
    const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
    await connection.run("SET TimeZone = 'UTC'");
    for await (const line of createInterface({ input: process.stdin })) {
        const command = JSON.parse(line);
        let rows = [];
        let failed = '';
        try {
            if (command.sql) rows = (await connection.runAndReadAll(command.sql)).getRowsJson();
            else rewrite(command);
        } catch (error) {
            failed = String(error);
        }
        console.log(JSON.stringify({ rows, failed }));
    }
}

main();
