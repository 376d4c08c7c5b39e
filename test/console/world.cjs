// What the journeys share: a gateway, a browser, statements, and a place where what holds is written down.
const { execFileSync, spawn } = require('child_process');
const http = require('http');
const { chromium } = require('playwright-core');

class World {
	constructor(given) {
		Object.assign(this, given); // program, psql, host, port (of the database), listen, folder
		this.url = `http://127.0.0.1:${this.listen}`;
		this.console = this.url + '/console/';
		this.origins = new Set();
		this.violations = [];
		this.errors = [];
		this.expected = []; // errors that a journey provokes
	}

	// statements as somebody; tuples only
	sql(statements, role) {
		const as = role ? `SET SESSION AUTHORIZATION ${role};` : '';
		return execFileSync(this.psql, ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', this.host, '-p', this.port, '-U', 'postgres', '-d', 'postgres'], { input: as + statements, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }).trim();
	}

	ok(held, name, more) {
		console.log(JSON.stringify({ ok: !!held, name, ...(held ? {} : { more: String(more ?? '').slice(0, 2000) }) }));
		return !!held;
	}

	note(text) { console.log(JSON.stringify({ note: text })); }

	// a journey: what is thrown in it is told, and the others go on
	async journey(name, walk) {
		if (this.only && !this.only.split('|').some((word) => name.includes(word))) return;
		try {
			await walk();
			this.ok(true, name);
		} catch (error) {
			this.ok(false, name, error.stack);
			if (this.page) await this.page.screenshot({ path: `${this.folder}/${name.replace(/\W+/g, '_')}.png` }).catch(() => {});
		}
	}

	async startGateway() {
		this.gateway = spawn(this.program, ['--listen', `127.0.0.1:${this.listen}`, '--dsn', `host=${this.host} port=${this.port} dbname=postgres user=ingest_authenticator`], { stdio: ['ignore', 'ignore', 'ignore'] });
		await this.until(async () => (await fetch(this.url + '/readyz').catch(() => ({}))).ok, 'the gateway is ready');
	}

	async stopGateway() {
		const ended = new Promise((done) => this.gateway.once('exit', done));
		this.gateway.kill('SIGTERM');
		await ended;
	}

	async until(holds, what, seconds = 60) {
		const end = Date.now() + seconds * 1000;
		for (;;) {
			const found = await holds();
			if (found) return found;
			if (Date.now() > end) throw new Error('in vain: ' + what);
			await new Promise((r) => setTimeout(r, 100));
		}
	}

	link(role) {
		return this.sql(`SET ingest_api.console_url = '${this.url}/console'; SET SESSION AUTHORIZATION ${role}; SELECT ingest_api.login_link()`);
	}

	async open(options = {}) {
		this.browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
		this.context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'UTC', ...options });
		this.context.setDefaultTimeout(30000);
		this.page = await this.context.newPage();
		this.watch(this.page);
		return this.page;
	}

	watch(page) {
		page.on('request', (r) => { const at = new URL(r.url()); if (at.protocol.startsWith('http')) this.origins.add(at.origin); });
		page.on('pageerror', (e) => this.errors.push(String(e.stack || e)));
		page.on('console', (m) => {
			if (m.type() !== 'error') return;
			if (/Content.Security.Policy/i.test(m.text())) this.violations.push(m.text());
			// what the network says of an answer that is a refusal is no fault of the page's
			else if (!/Failed to load resource/.test(m.text())) this.errors.push(m.text());
		});
	}

	async logIn(role, options) {
		const page = await this.open(options);
		await page.goto(this.link(role));
		await page.waitForSelector('.frame');
		return page;
	}

	go(hash) { return this.page.evaluate((h) => { location.hash = h; }, hash); }

	// axe-core on what is shown
	async axe(what) {
		// the policy lets no script be put into a page: the debugger's way is no script of the page's
		const source = require('fs').readFileSync(require.resolve('axe-core'), 'utf8');
		await this.page.evaluate(source);
		const found = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
		const said = found.violations.map((v) => `${v.id} (${v.impact}): ${v.help}\n${v.nodes.slice(0, 4).map((n) => '    ' + n.html.slice(0, 200) + '\n      ' + n.failureSummary.replace(/\n/g, ' ').slice(0, 300)).join('\n')}`).join('\n');
		this.ok(!found.violations.length, `axe-core finds nothing: ${what}`, said);
	}

	async receiver() {
		this.received = [];
		const server = http.createServer((request, response) => {
			let body = '';
			request.on('data', (d) => { body += d; });
			request.on('end', () => { this.received.push(body); response.writeHead(204).end(); });
		});
		await new Promise((r) => server.listen(0, '127.0.0.1', r));
		this.server = server;
		return server.address().port;
	}

	async end() {
		await this.browser?.close();
		this.server?.close();
		await this.stopGateway().catch(() => {});
	}
}

module.exports = { World };
