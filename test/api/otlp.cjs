// node otlp.cjs FILE …: are these ExportMetricsServiceRequests, as the definitions of OpenTelemetry's own packages have them?  What is read of
// each, and written and read once more, must have all that stands in it: no name that is not theirs, no number in another form.
// Prints the points of each file as lines of JSON: metric, attributes, value or counts, times.
const fs = require('fs');
const root = require('@opentelemetry/otlp-transformer/build/src/generated/root.js');
const Request = root.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
let wrong = 0;
function compare(given, read, at) {
	if (given === null || typeof given !== 'object') {
		if (given !== read && !(typeof read === 'number' && Number.isNaN(read) && given === 'NaN')) { wrong++; console.error(`${at}: ${JSON.stringify(given)} is read as ${JSON.stringify(read)}`); }
		return;
	}
	if (read === undefined || read === null || Array.isArray(given) !== Array.isArray(read)) { wrong++; console.error(`${at}: not read`); return; }
	for (const key of Object.keys(given)) compare(given[key], read[key], `${at}.${key}`);
}
for (const file of process.argv.slice(2)) {
	const given = JSON.parse(fs.readFileSync(file, 'utf8'));
	const message = Request.fromObject(given);
	const complaint = Request.verify(message);
	if (complaint) { wrong++; console.error(`${file}: ${complaint}`); }
	const read = Request.toObject(Request.decode(Request.encode(message).finish()), { longs: String, defaults: true, arrays: true });
	compare(given, read, file);
	const seen = new Set();
	for (const r of given.resourceMetrics) for (const s of r.scopeMetrics) for (const m of s.metrics) {
		const kind = ['gauge', 'sum', 'histogram'].filter((k) => m[k]);
		const told = (what) => { wrong++; console.error(`${m.name}: ${what}`); };
		if (kind.length !== 1) told('not of one kind');
		if (seen.has(m.name)) told('twice');
		seen.add(m.name);
		if (!m.description || !m.unit) told('no description or unit');
		const data = m[kind[0]];
		if (kind[0] !== 'gauge' && data.aggregationTemporality !== 2) told('not cumulative');
		if (kind[0] === 'sum' && data.isMonotonic !== true) told('a counter that falls');
		const points = new Set();
		for (const p of data.dataPoints) {
			const attributes = Object.fromEntries(p.attributes.map((a) => [a.key, a.value.stringValue]));
			const key = JSON.stringify(Object.entries(attributes).sort());
			if (points.has(key)) told(`two points of ${key}`);
			points.add(key);
			if (kind[0] !== 'gauge' && !(BigInt(p.startTimeUnixNano) > 0n && BigInt(p.startTimeUnixNano) <= BigInt(p.timeUnixNano))) told('times');
			if (kind[0] === 'histogram' && (p.bucketCounts.length !== p.explicitBounds.length + 1 || p.bucketCounts.reduce((a, b) => a + BigInt(b), 0n) !== BigInt(p.count))) told('buckets');
			console.log(JSON.stringify({ file, kind: kind[0], name: m.name, unit: m.unit, attributes, value: p.asDouble, count: p.count, sum: p.sum, buckets: p.bucketCounts, bounds: p.explicitBounds, start: p.startTimeUnixNano, time: p.timeUnixNano }));
		}
	}
	console.log(JSON.stringify({ file, resource: Object.fromEntries(given.resourceMetrics[0].resource.attributes.map((a) => [a.key, a.value.stringValue])), n: given.resourceMetrics[0].resource.attributes.length }));
}
process.exit(wrong ? 1 : 0);
