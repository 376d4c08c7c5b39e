// What was sent to Slack and PagerDuty against schemas (ajv), and the cards for Teams given to adaptivecards.
// node cards.cjs REQUESTS: lines of JSON {path, body}; tells how many of each were good.
const fs = require('fs');
const path = require('path');
const Ajv = require('ajv');
const { AdaptiveCard, SerializationContext } = require('adaptivecards/dist/adaptivecards.js');

const schema = (name) => new Ajv({ strictTypes: false }).compile(JSON.parse(fs.readFileSync(path.join(__dirname, 'schemas', name + '.json'), 'utf8')));
const valid = { slack: schema('slack'), pagerduty: schema('pagerduty') };
const counts = { slack: 0, pagerduty: 0, teams: 0 };

function card(body) {
	if (Buffer.byteLength(JSON.stringify(body)) > 20480)
		throw new Error('a card is too large');
	if (body.type !== 'message' || body.attachments.length !== 1 || body.attachments[0].contentType !== 'application/vnd.microsoft.card.adaptive')
		throw new Error('no message with a card: ' + JSON.stringify(body));
	const context = new SerializationContext();
	const parsed = new AdaptiveCard();
	parsed.parse(body.attachments[0].content, context);
	const complaints = [];
	for (let i = 0; i < context.eventCount; i++)
		complaints.push(context.getEventAt(i).message);
	const found = parsed.validateProperties();
	complaints.push(...found.validationEvents.map((e) => e.message));
	if (complaints.length > 0 || parsed.getItemCount() !== 3)
		throw new Error('the card is not as it should be: ' + complaints.join('; '));
}

for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
	const { path: where, body } = JSON.parse(line);
	const kind = where.split('/')[1];
	const what = JSON.parse(body);
	if (kind === 'teams')
		card(what);
	else if (!valid[kind](what))
		throw new Error(`${kind}: ${JSON.stringify(valid[kind].errors)} in ${body}`);
	counts[kind]++;
}
console.log(`${counts.slack} slack, ${counts.pagerduty} pagerduty, ${counts.teams} teams`);
