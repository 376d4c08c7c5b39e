// The document of ingest_delivery.asyncapi() read by @asyncapi/parser, and events checked by ajv against the schemas in it
// and those of ingest.event_type.  node asyncapi_peers.cjs DOCUMENT EVENTS TYPES
const fs = require('fs');
const { Parser } = require('@asyncapi/parser');
const Ajv = require('ajv/dist/2020').default;
const formats = require('ajv-formats').default;

const [document, events, types] = process.argv.slice(2).map((file) => JSON.parse(fs.readFileSync(file, 'utf8')));
(async () => {
	const { document: parsed, diagnostics } = await new Parser().parse(document);
	for (const d of diagnostics.filter((d) => d.severity === 0)) console.log(`error: ${d.message} at ${d.path.join('/')}`);
	console.log(`${parsed ? parsed.messages().length : 0} messages`);
	const ajv = new Ajv({ strict: true, strictRequired: false, allErrors: true, allowUnionTypes: true });
	formats(ajv);
	// by its name: ajv takes no underscore in a URN's namespace
	const of = Object.fromEntries(types.map((t) => [t.schema.$id, ajv.compile({ ...t.schema, $id: undefined })]));
	const seen = new Set();
	for (const event of events) {
		const message = document.components.messages[event.type];
		if (!message) continue;
		seen.add(event.type);
		if (!ajv.validate(message.payload, event)) console.log(`${event.type}: ${ajv.errorsText()}`);
		if (!of[event.dataschema](event.data)) console.log(`${event.type} data: ${ajv.errorsText(of[event.dataschema].errors)}`);
	}
	console.log(`${seen.size} types seen`);
})();
