// Events that tests wrote, each against the schema of its type.  node schemas.cjs FILE …: lines of {type, schema, data, file}
const fs = require('fs');
const readline = require('readline');
const Ajv = require('ajv/dist/2020').default;
const formats = require('ajv-formats').default;

const ajv = new Ajv({ strict: true, strictRequired: false, allErrors: true, allowUnionTypes: true });
formats(ajv);
const compiled = new Map();
const types = new Set();
const wrong = new Map();

// by what it says: a type that tests register may mean another thing in each of them
function validator(schema) {
	const key = JSON.stringify(schema);
	if (!compiled.has(key)) compiled.set(key, ajv.compile({ ...schema, $id: undefined }));
	return compiled.get(key);
}

(async () => {
	let events = 0;
	for (const file of process.argv.slice(2)) {
		for await (const line of readline.createInterface({ input: fs.createReadStream(file) })) {
			const event = JSON.parse(line);
			const valid = validator(event.schema);
			events++;
			types.add(event.type);
			if (valid(event.data)) continue;
			const key = `${event.file}: ${event.type}: ${ajv.errorsText(valid.errors)}`;
			if (!wrong.has(key)) wrong.set(key, JSON.stringify(event.data).slice(0, 500));
		}
	}
	for (const [key, data] of wrong) console.log(`${key}\n    ${data}`);
	console.log(`${events} events of ${types.size} types, ${wrong.size} not as their schemas say`);
	process.exit(wrong.size > 0 ? 1 : 0);
})();
