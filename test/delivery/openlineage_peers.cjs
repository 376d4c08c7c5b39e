// RunEvents checked by ajv against openlineage.schema.json: node openlineage_peers.cjs EVENTS.  A spoilt one must be noticed.
const fs = require('fs');
const path = require('path');
const Ajv = require('ajv/dist/2020').default;
const formats = require('ajv-formats').default;

const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
formats(ajv);
const valid = ajv.compile(JSON.parse(fs.readFileSync(path.join(__dirname, 'openlineage.schema.json'), 'utf8')));
const events = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
let good = 0;
for (const event of events) {
	if (valid(event)) good++;
	else console.log(ajv.errorsText(valid.errors), JSON.stringify(event));
}
const spoilt = [(e) => delete e.run.runId, (e) => (e.eventTime = 'now'), (e) => (e.job.more = 1), (e) => (e.eventType = 'DONE'), (e) => (e.run.facets = { x: {} }), (e) => (e.outputs = [{ name: 'x' }])];
const noticed = spoilt.filter((spoil) => { const e = structuredClone(events[0]); spoil(e); return !valid(e); }).length;
console.log(`${good} of ${events.length} valid, ${noticed} of ${spoilt.length} spoilt ones noticed`);
