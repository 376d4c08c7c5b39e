// Consumes a topic with kafkajs, which this project did not write, until so many messages came; prints one line of JSON for
// each, with the partition that Kafka's Java clients would choose for its key.
// node kafka_consumer.cjs HOST:PORT TOPIC MESSAGES CA MECHANISM USER PASSWORD
const fs = require('fs');
const { Kafka, Partitioners, logLevel } = require('kafkajs');

const [broker, topic, messages, ca, mechanism, username, password] = process.argv.slice(2);
const kafka = new Kafka({ brokers: [broker], clientId: 'test', logLevel: logLevel.NOTHING, retry: { retries: 20 },
	ssl: { ca: [fs.readFileSync(ca)], servername: 'localhost' }, sasl: { mechanism, username, password } });

async function main() {
	const admin = kafka.admin();
	await admin.connect();
	const [{ partitions }] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
	await admin.disconnect();
	const choose = Partitioners.JavaCompatiblePartitioner();
	const consumer = kafka.consumer({ groupId: 'test' });
	let left = Number(messages);
	await consumer.connect();
	await consumer.subscribe({ topic, fromBeginning: true });
	await consumer.run({ eachMessage: async ({ partition, message: m }) => {
		const header = Object.fromEntries(Object.entries(m.headers).map(([k, v]) => [k, v.toString()]));
		const expected = m.key === null ? partition : choose({ topic, partitionMetadata: partitions, message: { key: m.key } });
		console.log(JSON.stringify({ partition, expected, key: m.key && m.key.toString(), value: m.value && m.value.toString(), header }));
		if (--left === 0)
			setTimeout(() => process.exit(0), 100);
	} });
}
setTimeout(() => { console.log('too late'); process.exit(1); }, 120000);
main().catch((e) => { console.log(String(e)); process.exit(1); });
