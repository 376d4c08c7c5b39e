// The console against what is not as it should be: node attack.cjs '{"program": …}', as journeys.cjs
const { World } = require('./world.cjs');

// all but who one is and the stream
const API = /\/v1\/(?!session|events(?!\?select))/;

async function settled(page) {
	await page.waitForFunction(() => document.querySelector('main') && !document.querySelector('main .waiting, main .wait'), undefined, { timeout: 30000 });
	await page.waitForTimeout(200);
}

(async () => {
	const w = new World(JSON.parse(process.argv[2]));
	await w.startGateway();
	let page = await w.logIn('fin');
	const table = w.sql("SELECT id FROM ingest.source_table WHERE name = 'big'");
	const source = w.sql('SELECT id FROM ingest.data_source');
	await w.until(() => w.sql("SELECT count(*) FROM ingest.alert_status WHERE kind = 'job_dead'") !== '0', 'a job was given up');
	const run = w.sql("SELECT max(id) FROM ingest.run WHERE state = 'failed'");
	const ALL = ['/', '/sources', `/sources/${source}`, `/sources/${source}?tab=drift`, '/tables', `/tables/${table}`, `/tables/${table}?tab=preview`, `/tables/${table}?tab=quality`, `/tables/${table}?tab=changes`, `/tables/${table}?tab=lineage`, '/lineage', '/runs', `/runs/${run}`, '/runs?tab=jobs', '/runs?tab=dead', '/quality', '/quality?tab=rules', '/quality?tab=alerts', '/events', '/events?tab=consumers', '/sinks', '/sinks/orders', '/tokens'];
	// to a page that has nothing in memory
	const fresh = async (at) => {
		await page.goto('about:blank');
		await page.goto(w.console + '#' + at);
		await page.waitForSelector('.frame');
	};

	await w.journey('each page asks for each thing once', async () => {
		for (const at of ALL) {
			await w.go('/nowhere');
			await page.getByText('There is no such page').waitFor();
			const asked = [];
			const hear = (r) => { if (API.test(r.url())) asked.push(r.method() + ' ' + r.url().replace(w.url, '')); };
			page.on('request', hear);
			await w.go(at);
			await settled(page);
			page.off('request', hear);
			// what runs is asked for every other second
			const twice = asked.filter((a, i) => asked.indexOf(a) !== i && !/state=eq.running|\/v1\/(run_logs|traffic)/.test(a));
			w.ok(!twice.length, `asked once: ${at}`, twice.join('\n'));
		}
	});

	await w.journey('a question that is refused is answered by words, on every page', async () => {
		const words = { 403: /You may not/, 429: /too many requests/, 500: /The server failed/, 504: /longer than allowed/ };
		const statuses = Object.keys(words).map(Number);
		for (const [i, at] of ALL.entries()) {
			// each page with one of them, the first ones with all
			for (const status of i === 0 ? statuses : [statuses[i % statuses.length]]) {
				await page.goto('about:blank');
				await page.route(API, (route) => (route.request().method() === 'GET' ? route.fulfill({ status, contentType: 'text/html', body: '<html>a proxy</html>' }) : route.continue()));
				await page.goto(w.console + '#' + at);
				await page.locator('main .wrong').first().waitFor({ timeout: 20000 }).catch(() => {});
				await page.waitForTimeout(200);
				const [text, waits] = [await page.locator('main').innerText(), await page.locator('main .waiting, main .wait').count()];
				w.ok(words[status].test(text) && !waits, `${status}: ${at}`, `${waits} wait\n${text}`);
				w.ok(!/a proxy|undefined|Nothing is wrong|No (source|table|job|rule|sink|token|event|consumer) yet|not profiled yet|Nothing here/.test(text), `${status}: ${at} claims nothing`, text);
				await page.unroute(API);
			}
		}
	});

	await w.journey('what cannot be asked again is said not to be current, and is again as soon as it can', async () => {
		for (const at of ['/', '/runs']) {
			await fresh(at);
			await settled(page);
			await page.route(API, (route) => route.fulfill({ status: 500, body: '' }));
			w.sql("SELECT ingest.enqueue('big'); SELECT ingest.enqueue('fails')", 'fin');
			await page.getByText('Not current').first().waitFor({ timeout: 30000 });
			if (at === '/') await w.axe('not current');
			await page.unroute(API);
			// by hand, if it did not come by itself first
			await page.getByRole('button', { name: 'Try again' }).first().click({ timeout: 1000 }).catch(() => {});
			await page.getByText('Not current').first().waitFor({ state: 'detached', timeout: 60000 });
		}
		// a filter whose answer does not come does not show rows that are no answer to it
		await fresh('/tables');
		await page.getByRole('link', { name: 'big', exact: true }).waitFor();
		await page.route(API, (route) => route.fulfill({ status: 500, body: '' }));
		await w.go('/tables?q=nothing_is_called_so');
		await page.getByText('The server failed').first().waitFor();
		w.ok(!(await page.getByRole('link', { name: 'big', exact: true }).count()), 'nor rows of another filter');
		await page.unroute(API);
	});

	await w.journey('each action that is refused says so, and what to do', async () => {
		const acts = [[`/sources/${source}`, 'Check'], [`/sources/${source}`, 'Crawl'], [`/sources/${source}`, 'Pause'], [`/tables/${table}`, 'Run now'], [`/tables/${table}`, 'Pause'], [`/tables/${table}`, 'Profile'], [`/tables/${table}?col=price`, 'Say'], ['/quality?tab=rules', 'Check now'], ['/quality?tab=alerts', 'Acknowledge'], ['/quality?tab=alerts', 'Silence 4 h'], ['/runs?tab=jobs', 'Run'], ['/runs?tab=dead', 'Retry'], [`/runs/${run}`, 'Run again'], ['/sinks/orders', 'Test'], ['/sinks/orders', 'Pause']];
		const sure = [[`/tables/${table}`, 'Reload'], ['/quality?tab=rules', 'Forget'], ['/events?tab=consumers', 'Forget'], ['/tokens', 'Revoke']];
		const words = { 403: /You may not do that/, 409: /changed since you saw it/, 413: /more than the server accepts/, 429: /too many requests/, 500: /The server failed/, 502: /could not reach it/ };
		const statuses = Object.keys(words).map(Number);
		let here = '';
		for (const [i, [at, name, ask]] of [...acts, ...sure.map((s) => [...s, true])].entries()) {
			const status = statuses[i % statuses.length];
			if (here !== at) await w.go((here = at));
			await settled(page);
			await page.route(API, (route) => (route.request().method() === 'GET' ? route.continue() : route.fulfill({ status, body: '' })));
			if (name === 'Say') await page.getByLabel('Describe price').fill('what it costs');
			await page.getByRole('button', { name, exact: true }).first().click();
			if (ask) await page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
			const toast = page.locator('.toast').last();
			await toast.filter({ hasText: words[status] }).waitFor({ timeout: 20000 });
			w.ok((await toast.locator('p').innerText()).length > 15, `${name} on ${at}, ${status}`);
			await page.unroute(API);
			while (await page.locator('.toast').count()) await page.getByRole('button', { name: 'Dismiss' }).first().click();
		}
		await page.route(/\/v1\/session/, (route) => (route.request().method() === 'DELETE' ? route.fulfill({ status: 500, body: '' }) : route.continue()));
		await page.getByRole('button', { name: 'Log out' }).click();
		await page.locator('.toast').filter({ hasText: 'The server failed' }).waitFor();
		await page.unroute(/\/v1\/session/);
		await page.route(/\/v1\/search/, (route) => route.fulfill({ status: 504, body: '' }));
		await page.keyboard.press('s');
		await page.keyboard.type('big');
		await page.locator('.toast').filter({ hasText: 'longer than allowed' }).waitFor();
		await page.unroute(/\/v1\/search/);
	});

	await w.journey('what was done is seen at once, although no event tells of it', async () => {
		await fresh(`/tables/${table}`);
		await settled(page);
		await page.route(/\/v1\/events/, (route) => route.abort());
		for (const [what, then] of [['Pause', 'Resume'], ['Resume', 'Pause']]) {
			const begun = Date.now();
			await page.getByRole('button', { name: what, exact: true }).click();
			await page.getByRole('button', { name: then, exact: true }).waitFor({ timeout: 15000 });
			w.note(`${what} was seen after ${Date.now() - begun} ms`);
		}
		await page.unroute(/\/v1\/events/);
		await fresh('/quality?tab=alerts');
		await page.getByRole('button', { name: 'Acknowledge', exact: true }).first().click();
		await page.getByText('acknowledged', { exact: true }).first().waitFor({ timeout: 15000 });
	});

	await w.journey('a double click does one thing', async () => {
		await fresh(`/tables/${table}`);
		await settled(page);
		let posts = 0;
		const count = (r) => { if (r.method() === 'POST') posts++; };
		page.on('request', count);
		await page.getByRole('button', { name: 'Run now' }).evaluate((b) => { b.click(); b.click(); });
		await page.getByText('Put into the queue').first().waitFor();
		page.off('request', count);
		w.ok(posts === 1, 'one request', posts);
	});

	await w.journey('events are shown soon after they are written', async () => {
		await fresh('/events');
		await page.getByText('following').waitFor();
		const took = [];
		for (let i = 0; i < 5; i++) {
			w.sql(`SELECT ingest.emit('com.example.n${i}', 'x', '{}')`, 'fin');
			const begun = Date.now();
			await page.getByRole('button', { name: `com.example.n${i}` }).waitFor({ timeout: 15000 });
			took.push(Date.now() - begun);
		}
		w.note(`events were seen after ${took.join(', ')} ms`);
		w.ok(Math.min(...took) < 2000, 'the quickest within two seconds', took.join());
	});

	await w.journey('figures come although events come faster than answers', async () => {
		await fresh('/');
		await settled(page);
		const before = Number(await page.locator('.tile', { hasText: 'Open alerts' }).locator('b').innerText());
		await page.route(/\/v1\/overview/, async (route) => { await new Promise((r) => setTimeout(r, 2500)); await route.continue().catch(() => {}); });
		w.sql("INSERT INTO ingest.alert (kind, object, subject, severity, summary, owner, owner_name) SELECT 'run_failed', 'x' || i, 'x' || i, 'error', 'x', 'fin'::regrole, 'fin' FROM generate_series(1, 3) i");
		const end = Date.now() + 30000;
		let seen = false;
		while (!seen && Date.now() < end) {
			w.sql("SELECT ingest.pause(source => 'shop'), ingest.resume(source => 'shop')", 'fin');
			seen = Number(await page.locator('.tile', { hasText: 'Open alerts' }).locator('b').innerText()) > before;
			await page.waitForTimeout(200);
		}
		w.ok(seen, 'the new ones are counted while events go on');
		await page.unroute(/\/v1\/overview/);
	});

	await w.journey('a session that ends amid a form leaves the form', async () => {
		await fresh('/tokens');
		await page.getByRole('button', { name: 'New token' }).click();
		await page.getByLabel('Name').fill('typed before it ended');
		const token = w.sql("SELECT ingest_api.create_token('again', scopes => '{admin}')", 'fin');
		w.sql("UPDATE ingest_api_internal.session SET expires_at = now() - interval '1 second'");
		await page.getByLabel('Name').press('Enter');
		const ended = page.getByRole('dialog', { name: 'Your session has ended' });
		await ended.waitFor({ timeout: 30000 });
		await ended.getByLabel('Token').fill(token);
		await ended.getByRole('button', { name: 'Log in' }).click();
		await ended.waitFor({ state: 'detached' });
		w.ok((await page.getByLabel('Name').inputValue()) === 'typed before it ended', 'what was typed is still there');
		await page.getByLabel('Name').press('Enter');
		await page.locator('code.token').waitFor();
		await page.keyboard.press('Escape');
	});

	await w.journey('of two tabs neither shows what the other one\'s role may not see', async () => {
		await fresh(`/tables/${table}`);
		await settled(page);
		await page.getByText('books.big').first().waitFor();
		const second = await w.context.newPage();
		await second.goto(w.link('other'));
		await second.waitForSelector('.frame');
		await page.getByText('other@postgres').waitFor({ timeout: 10000 });
		await page.getByText('There is no such table').waitFor({ timeout: 10000 });
		w.ok(!(await page.locator('main').innerText()).includes('books.big'), 'nothing of it is left');
		await second.getByRole('button', { name: 'Log out' }).click();
		await page.getByLabel('Token').waitFor({ timeout: 10000 });
		await second.goto(w.link('fin'));
		await second.waitForSelector('.frame');
		await page.getByText('fin@postgres').waitFor({ timeout: 10000 });
		await second.close();
	});

	await w.journey('figures that no double holds, and times of another century, are as they are', async () => {
		await fresh(`/tables/${table}?tab=preview`);
		await page.getByRole('cell', { name: '9007199254740993', exact: true }).waitFor();
		const text = await page.locator('.grid-of').innerText();
		w.ok(text.includes('1.50') && text.includes('13.50'), 'with their digits behind the point', text);
		w.ok(/1850-06-01/.test(text), 'and the century', text);
		await page.getByRole('button', { name: 'price', exact: true }).click();
		await page.getByRole('button', { name: 'price', exact: true }).click();
		w.ok(/13\.50/.test(await page.locator('.grid-of tbody tr').first().innerText()), 'ordered as numbers', await page.locator('.grid-of tbody tr').first().innerText());
		w.sql("UPDATE shop.big SET name = 'another' WHERE id = 9007199254740993; CALL ingest.sync('books.big')", 'fin');
		await w.go(`/tables/${table}?tab=changes`);
		await page.getByRole('button', { name: '9007199254740993', exact: true }).click();
		await page.getByRole('heading', { name: 'Row 9007199254740993' }).waitFor();
		await page.getByRole('cell', { name: 'changed: another' }).waitFor();
		await w.go('/events');
		w.sql(`SELECT ingest.emit('com.example.big', 'x', '{"n": 9007199254740993, "p": 1.50}')`, 'fin');
		await page.getByRole('button', { name: 'com.example.big' }).first().click();
		const json = await page.locator('.detail .json').innerText();
		w.ok(/9007199254740993/.test(json) && !/"9007199254740993"/.test(json), 'in events, too', json);
	});

	await w.journey('a link to an event of long ago shows it', async () => {
		const id = w.sql("SELECT era || '-' || id FROM ingest.event WHERE type = 'ingest.source.registered' ORDER BY id LIMIT 1") || w.sql("SELECT era || '-' || id FROM ingest.event ORDER BY id LIMIT 1");
		w.sql("SELECT count(ingest.emit('com.example.many', 'x', '{}')) FROM generate_series(1, 250)", 'fin');
		await fresh('/events?event=' + id);
		await page.locator('.detail .json').waitFor();
		w.ok((await page.locator('.detail .json').innerText()).includes(`"${id}"`), 'it is that one');
		await w.go('/events?event=1-99999999');
		await page.getByText('There is no event 1-99999999').waitFor();
		await w.axe('an event that is gone');
	});

	await w.journey('what is typed on one page does not filter the next', async () => {
		await fresh('/tables');
		await settled(page);
		await page.getByPlaceholder('Filter tables').focus();
		await page.evaluate(() => {
			const field = document.activeElement;
			field.value = 'big';
			field.dispatchEvent(new Event('input', { bubbles: true }));
			location.hash = '#/sources';
		});
		await page.waitForTimeout(500);
		w.ok(page.url().endsWith('#/sources'), 'no filter', page.url());
		await page.getByRole('link', { name: 'shop', exact: true }).waitFor();
	});

	await w.journey('back and forward go where one was', async () => {
		await fresh('/tables?q=big');
		await page.getByRole('link', { name: 'big', exact: true }).click();
		await page.getByRole('button', { name: 'Changes', exact: true }).click();
		await page.waitForFunction(() => location.hash.includes('tab=changes'));
		await page.goBack();
		await page.getByLabel('Filter columns').waitFor();
		await page.goBack();
		await page.waitForFunction(() => location.hash === '#/tables?q=big');
		w.ok((await page.getByPlaceholder('Filter tables').inputValue()) === 'big', 'with its filter');
		await page.goForward();
		await page.goForward();
		await page.getByPlaceholder(/^Row by/).waitFor();
	});

	await w.journey('five hundred alerts are all counted, and none is left out without a word', async () => {
		w.sql("INSERT INTO ingest.alert (kind, object, subject, severity, summary, owner, owner_name) SELECT (ARRAY['run_failed', 'stale', 'rule_failed', 'anomaly', 'sync_stopped', 'source_unavailable', 'job_dead', 'job_waiting', 'schedule_error', 'service_silent', 'sink_behind', 'sink_gave_up', 'sink_stopped', 'sink_orphaned', 'sink_unavailable', 'a_new_kind'])[1 + i % 16], 'subject ' || i, 'subject ' || i, (ARRAY['error', 'warning'])[1 + i % 2], repeat('what it says ', 30), 'fin'::regrole, 'fin' FROM generate_series(1, 500) i; INSERT INTO ingest.alert (kind, object, subject, severity, summary, owner, owner_name) SELECT 'a_new_kind', 'more ' || i, 'more ' || i, 'warning', 'what it says', 'fin'::regrole, 'fin' FROM generate_series(1, 400) i");
		await fresh('/');
		await settled(page);
		// the engine closes those for which it sees no reason
		const tile = page.locator('.tile', { hasText: 'Open alerts' }).locator('b');
		await w.until(async () => (await tile.innerText()) === w.sql('SELECT count(*) FROM ingest.alert WHERE closed_at IS NULL'), 'the tile counts them all');
		await page.getByRole('link', { name: /^All \d+$/ }).click();
		await page.getByText(/^The first 300 of \d+ alerts\./).waitFor();
		await w.axe('five hundred alerts');
		const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
		w.ok(over <= 0, 'and they fit', over);
		w.sql("UPDATE ingest.alert SET closed_at = now() WHERE summary LIKE 'what it says%'");
	});

	await w.journey('where a browser does not let it copy, it says so', async () => {
		await fresh(`/tables/${table}?tab=sql`);
		await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
		await page.getByRole('button', { name: 'Copy' }).first().click();
		await page.getByText('does not let this page copy').waitFor();
	});

	await w.journey('a part that cannot be loaded is said to be that', async () => {
		await page.route(/lineage-.*\.js/, (route) => route.abort());
		await fresh('/lineage');
		await page.getByText('could not be loaded').waitFor();
		await page.unroute(/lineage-.*\.js/);
		await page.getByRole('button', { name: 'Reload the page' }).click();
		await page.locator('.stage').waitFor();
	});

	await w.journey('twice as large, and narrow, every page fits, whatever names it shows', async () => {
		const ids = w.sql("SELECT string_agg(id::text, ' ') FROM ingest.source_table WHERE name <> 'big'").split(' ');
		for (const [width, height] of [[720, 450], [390, 844]]) {
			await page.setViewportSize({ width, height });
			for (const at of [...(width === 720 ? ALL : ['/', `/tables/${table}?tab=quality`, '/quality?tab=alerts', '/sinks/orders']), ...ids.flatMap((i) => [`/tables/${i}`, `/tables/${i}?tab=preview`, `/tables/${i}?tab=lineage`])]) {
				await w.go(at);
				await settled(page);
				const over = await page.evaluate(() => {
					const lost = [...document.querySelectorAll('main button, main h2, main .tile b')].filter((e) => e.offsetParent && !e.closest('.scroll, .scroll-x, .stage, .log, pre, .graph-side, .tabs') && e.getBoundingClientRect().right > innerWidth + 1);
					return document.documentElement.scrollWidth > innerWidth ? 'wide' : lost.length ? lost.map((e) => e.outerHTML.slice(0, 120)).join('\n') : '';
				});
				w.ok(!over, `${width}: ${at} fits`, over);
			}
		}
		await page.setViewportSize({ width: 1440, height: 900 });
	});

	await w.journey('text that runs the other way turns nothing around it', async () => {
		await fresh('/tables');
		const row = page.locator('tbody tr', { hasText: 'العملاء' });
		await row.waitFor();
		w.ok(await row.evaluate((r) => [...r.children].every((c, i, all) => i === 0 || c.getBoundingClientRect().left >= all[i - 1].getBoundingClientRect().right - 1)), 'columns stand in their order');
		const isolated = await page.evaluate(() => ['td', 'h1', 'h2', '.state > span'].filter((s) => { const e = document.querySelector('main ' + s + ', header ' + s); return e && !/isolate|plaintext/.test(getComputedStyle(e).unicodeBidi); }));
		w.ok(!isolated.length, 'each text by itself', isolated.join());
	});

	await w.journey('keyboard alone: a source is paused and resumed, a token revoked', async () => {
		await fresh('/sources');
		await settled(page);
		const to = async (name, role = 'button') => {
			for (let i = 0; i < 80; i++) {
				await page.keyboard.press('Tab');
				const at = await page.evaluate(() => ({ text: document.activeElement.textContent.trim(), ring: getComputedStyle(document.activeElement).outlineStyle !== 'none' || getComputedStyle(document.activeElement).boxShadow !== 'none' }));
				if (at.text === name) return w.ok(at.ring, `${name} shows that it has the focus`) || true;
			}
			throw new Error(`no ${role} ${name} is reached`);
		};
		await page.keyboard.press('j');
		await page.waitForTimeout(300);
		await page.keyboard.press('Enter');
		await page.getByRole('button', { name: 'Crawl' }).waitFor();
		await to('Pause');
		await page.keyboard.press('Enter');
		await page.getByText('Paused').first().waitFor();
		await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
		await page.evaluate(() => document.activeElement.blur());
		await to('Resume');
		await page.keyboard.press('Enter');
		await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
		await page.keyboard.press('g');
		await page.keyboard.press('k');
		await settled(page);
		await to('Revoke');
		await page.keyboard.press('Enter');
		await page.getByRole('dialog').waitFor();
		await to('Revoke');
		await page.keyboard.press('Enter');
		await page.getByText('Revoked, at once').waitFor();
	});

	await w.journey('another language, another zone, dates before 1900', async () => {
		await w.context.close();
		page = await w.logIn('fin', { locale: 'ar-EG', timezoneId: 'Australia/Eucla' });
		await w.go(`/runs/${run}`);
		await page.getByText('Australia/Eucla').first().waitFor();
		const text = await page.locator('main').innerText();
		w.ok(!/[٠-٩]/.test(text), 'figures are one kind of figures', text);
		await w.go(`/tables/${table}?tab=changes&time=${encodeURIComponent('1899-01-01T00:00:00.000Z')}`);
		await page.getByText(/^As it was 1899-01-01 08:45:00 Australia\/Eucla/).waitFor();
		await settled(page);
		w.ok(/[Nn]o rows|not known|before|history/.test(await page.locator('main').innerText()), 'nothing was there then, or nobody knows', await page.locator('main').innerText());
	});

	await w.journey('what is sent', async () => {
		w.ok([...w.origins].every((o) => o === w.url), 'no request leaves the console\'s own origin', [...w.origins].join());
		w.ok(!w.violations.length, 'nothing that the policy forbids', w.violations.join('\n'));
		w.ok(!w.errors.length, 'no error, none that nobody caught', w.errors.join('\n'));
	});
	await w.end();
})().catch((error) => { console.log(JSON.stringify({ ok: false, name: 'attack', more: String(error.stack) })); process.exit(1); });
