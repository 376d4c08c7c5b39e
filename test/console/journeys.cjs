// The ways of those who use the console, from an empty repository on: node journeys.cjs '{"program": …, "psql": …, "host": …, "port": …, "listen": …, "folder": …}'
const { World } = require('./world.cjs');

const HOSTILE = '<img src=x onerror=window.hurt=1>';

// what every page is looked at as: nothing, and everything
const PAGES = ['/', '/sources', '/tables', '/lineage', '/runs', '/runs?tab=jobs', '/runs?tab=dead', '/quality', '/quality?tab=rules', '/quality?tab=alerts', '/events', '/events?tab=consumers', '/sinks', '/tokens'];

async function settled(page) {
	await page.waitForFunction(() => document.querySelector('main') && !document.querySelector('main .waiting, main .wait'), undefined, { timeout: 30000 });
	await page.waitForTimeout(150);
}

(async () => {
	const w = new World(JSON.parse(process.argv[2]));
	const { ok } = w;
	void ok;
	await w.startGateway();
	let page = await w.open();

	await w.journey('who is not logged in is asked to, and told how', async () => {
		await page.goto(w.console + '#/tables?q=x');
		await page.getByRole('heading', { name: 'pg_ingest' }).waitFor();
		await page.getByText('ingest_api.login_link').waitFor();
		await page.getByLabel('Token').fill('pgi_wrong');
		await page.getByRole('button', { name: 'Log in' }).click();
		await page.getByText('Not logged in').waitFor();
		await w.axe('log-in');
	});
	await w.context.close();

	await w.journey('a link logs in once, and leaves the address', async () => {
		const link = w.link('fin');
		page = await w.open();
		await page.goto(link);
		await page.waitForSelector('.frame');
		w.ok(!page.url().includes('pgl_'), 'no secret in the address', page.url());
		w.ok(!(await page.evaluate(() => document.cookie)), 'no cookie that a script sees');
		const second = await w.browser.newContext();
		const other = await second.newPage();
		await other.goto(link);
		await other.getByText('The link did not log you in').waitFor();
		await second.close();
	});

	await w.journey('an empty repository teaches on every page', async () => {
		for (const at of PAGES) {
			await w.go(at);
			await settled(page);
			const text = await page.locator('main').innerText();
			w.ok(/[Nn]o |[Nn]othing/.test(text), `empty: ${at} says so`, text);
			await w.axe('empty ' + at);
		}
	});

	await w.journey('first source from empty, by the statements that are shown', async () => {
		await w.go('/');
		const shown = page.locator('.sql pre').first();
		await shown.waitFor();
		const words = (await shown.innerText()).match(/ingest\.\w+/g);
		w.ok(words.includes('ingest.register_source') && words.includes('ingest.crawl'), 'the statements are those of the manual', words);
		w.sql(`SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}', description => '${HOSTILE}')`, 'fin');
		await page.locator('.tiles').waitFor({ timeout: 20000 });
		w.ok(true, 'the page shows it by itself');
		await w.go('/sources');
		await page.getByRole('link', { name: 'shop', exact: true }).click();
		await page.getByRole('button', { name: 'Crawl' }).click();
		await page.getByText('A crawl was put into the queue').waitFor();
		await w.until(() => w.sql('SELECT count(*) FROM ingest.source_table') !== '0', 'tables are found');
		await page.getByRole('button', { name: /^Tables/ }).click();
		await page.getByRole('link', { name: 'customer', exact: true }).waitFor({ timeout: 20000 });
		w.sql(`SELECT ingest.create_sync('shop_ft.customer', 'books.customer', key => '{id}', cursor_column => 'changed', history => true, profile => 'all', freshness => '1 hour', overlap => '0');
			SELECT ingest.create_sync('shop_ft.broken', 'books.broken', mode => 'full', key => '{id}');
			SELECT ingest.create_sync(format('shop_ft.%I', '${HOSTILE}'), 'books.hostile', mode => 'full', key => '{id}', profile => 'all');
			CREATE VIEW mart.mails AS SELECT id, lower(email) AS address FROM books.customer;
			CREATE VIEW mart.domains AS SELECT split_part(address, '@', 2) AS domain, count(*) FROM mart.mails GROUP BY 1`, 'fin');
		await page.getByRole('link', { name: 'customer', exact: true }).click();
		await page.getByRole('button', { name: 'Run now' }).click();
		await w.until(() => w.sql("SELECT rows FROM ingest.table_status WHERE sync = 'books.customer'") === '200', 'the copy is made');
		await page.getByText('200', { exact: true }).first().waitFor();
		w.sql("SELECT ingest.create_job('hostile', 'sync', 'books.hostile'), ingest.create_job('broken', 'sync', 'books.broken', max_attempts => 1); SELECT ingest.enqueue('hostile')", 'fin');
		await w.until(() => w.sql("SELECT count(*) FROM ingest.run WHERE kind = 'profile' OR state LIKE 'succeeded%' AND kind = 'sync'") > 1, 'all is copied');
	});

	await w.journey('a failing run is found, understood and retried', async () => {
		w.sql("UPDATE shop.mood SET bad = true; SELECT ingest.enqueue('broken')", 'fin');
		await w.until(() => w.sql("SELECT count(*) FROM ingest.alert_status WHERE kind = 'run_failed' AND state = 'open'") !== '0', 'an alert opens');
		await w.go('/');
		const alert = page.locator('.items li', { hasText: 'books.broken' }).first();
		await alert.waitFor({ timeout: 20000 });
		await alert.getByRole('link', { name: 'Look' }).click();
		await page.getByRole('heading', { name: 'Why it failed' }).waitFor();
		const why = await page.locator('.wrong').innerText();
		w.ok(why.includes('the moon is wrong') && why.includes(HOSTILE), 'the error is there, as text', why);
		w.ok(/SQLSTATE/.test(why), 'with its code', why);
		await page.getByRole('heading', { name: 'Log' }).waitFor();
		await w.axe('a run that failed');
		w.sql('UPDATE shop.mood SET bad = false');
		await page.getByRole('button', { name: 'Run again' }).click();
		await page.getByText(/A later run:/).waitFor({ timeout: 60000 });
		await w.until(() => w.sql("SELECT count(*) FROM ingest.alert_status WHERE kind = 'run_failed' AND state = 'open'") === '0', 'the alert is closed');
		await w.go('/');
		await page.locator('.items li', { hasText: 'Run failed' }).first().waitFor({ state: 'detached', timeout: 30000 }).catch(() => { throw new Error('the alert is still shown'); });
	});

	await w.journey('what a deleted column breaks is seen in lineage', async () => {
		w.sql('ALTER TABLE shop.customer DROP COLUMN email', 'fin');
		w.sql("CALL ingest.crawl('shop')", 'fin');
		const source = w.sql('SELECT id FROM ingest.data_source');
		await w.go(`/sources/${source}?tab=drift`);
		const line = page.locator('.timeline li', { hasText: 'email' });
		await line.getByText('gone').waitFor();
		await line.getByRole('link').click();
		await page.getByRole('button', { name: 'email', exact: false }).first().click();
		await page.getByRole('link', { name: 'What breaks if it goes' }).click();
		const breaks = page.getByRole('region', { name: 'What breaks' });
		await breaks.getByRole('button', { name: 'mart.mails' }).waitFor();
		await breaks.getByRole('button', { name: 'mart.domains' }).waitFor();
		w.ok(/address/.test(await breaks.innerText()), 'with the columns', await breaks.innerText());
		w.ok((await page.locator('.node .path').count()) >= 2, 'its way is shown in the graph');
		await w.axe('lineage of a column');
		// as one would send it to a colleague
		await page.reload();
		await page.getByRole('region', { name: 'What breaks' }).getByRole('button', { name: 'mart.domains' }).waitFor();
	});

	await w.journey('the history of a row is read', async () => {
		const moment = w.sql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')");
		await new Promise((r) => setTimeout(r, 300));
		w.sql("UPDATE shop.customer SET name = 'Renamed <b>boldly</b>', changed = clock_timestamp() WHERE id = 7; CALL ingest.sync('books.customer')", 'fin');
		const id = w.sql("SELECT id FROM ingest.source_table WHERE name = 'customer'");
		await w.go(`/tables/${id}?tab=changes`);
		await page.getByRole('button', { name: '7', exact: true }).click();
		await page.getByRole('heading', { name: 'Row 7' }).waitFor();
		const changed = await page.locator('td.changed').allInnerTexts();
		w.ok(changed.some((t) => t.includes('Renamed <b>boldly</b>')), 'what differs is marked, as text', changed);
		w.ok(!changed.some((t) => /^\D*7$/.test(t.trim())), 'what does not is not');
		await w.axe('versions of a row');
		await page.locator('summary', { hasText: 'SQL' }).click();
		const sql = await page.locator('.behind pre').innerText();
		w.ok(w.sql(`SELECT count(*) FROM (${sql}) x`, 'fin') === '2', 'by a statement that gives just that', sql);
		await w.go(`/tables/${id}?tab=changes&time=${encodeURIComponent(moment)}`);
		await page.getByText(/^As it was/).waitFor();
		await page.getByRole('cell', { name: 'customer 7', exact: true }).waitFor();
		w.ok(!(await page.getByText('Renamed <b>boldly</b>').count()), 'and all of it as it was before');
		await w.axe('a table as it was');
		await page.getByRole('button', { name: 'Preview' }).click();
		await page.getByText('Some rows').waitFor();
	});

	await w.journey('an anomaly is confirmed', async () => {
		w.sql("UPDATE shop.customer SET phone = NULL, changed = clock_timestamp(); CALL ingest.sync('books.customer')", 'fin');
		w.ok(Number(w.sql('SELECT count(*) FROM ingest.anomaly WHERE resolved_at IS NULL')) > 0, 'there is something odd');
		await w.go('/quality');
		const item = page.locator('.items li', { hasText: 'books.customer' }).first();
		await item.waitFor({ timeout: 20000 });
		await item.getByRole('button', { name: 'Evidence' }).click();
		await item.locator('pre').waitFor();
		await w.axe('an anomaly with its evidence');
		const open = w.sql('SELECT count(*) FROM ingest.anomaly WHERE resolved_at IS NULL');
		await item.getByRole('button', { name: 'Confirm' }).click();
		await page.getByText('Dealt with').waitFor();
		w.ok(Number(w.sql('SELECT count(*) FROM ingest.anomaly WHERE resolved_at IS NULL')) === open - 1, 'it is dealt with');
	});

	await w.journey('an event is followed live to its delivery', async () => {
		const port = await w.receiver();
		w.sql(`CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (hook 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=');
			SELECT ingest_delivery.create_sink('orders', 'webhook', '{"url": "http://127.0.0.1:${port}/", "secret": "mapping:ingest_secrets/hook"}', types => '{com.example.*}')`, 'fin');
		await w.go('/events');
		await page.getByText('following').waitFor();
		w.sql(`SELECT ingest.emit('com.example.order.approved', 'order/4711', '{"total": 99.5, "note": "${HOSTILE}"}')`, 'fin');
		const row = page.getByRole('button', { name: 'com.example.order.approved' }).first();
		await row.waitFor({ timeout: 10000 });
		await row.click();
		const json = await page.locator('.detail .json').innerText();
		const event = JSON.parse(json);
		w.ok(event.specversion === '1.0' && event.data.total === 99.5, 'as the CloudEvent that it is', json);
		await w.axe('an event');
		await w.until(() => w.received.length > 0, 'it is delivered');
		await w.go('/sinks/orders');
		await page.getByRole('link', { name: event.id, exact: true }).waitFor({ timeout: 20000 });
		await page.getByText('arrived').first().waitFor();
		await w.axe('a sink');
		await page.getByRole('button', { name: 'Test' }).click();
		await page.getByText(/^It arrived/).waitFor();
		await page.getByRole('button', { name: /Replay/ }).click();
		await w.axe('sending again');
		await page.getByRole('button', { name: 'Send again' }).click();
		await page.getByText('1 events are sent again').waitFor();
	});

	await w.journey('a token is made, used and revoked', async () => {
		await w.go('/tokens');
		await page.getByRole('button', { name: 'New token' }).click();
		await page.getByLabel('Name').fill(HOSTILE);
		await w.axe('making a token');
		await page.getByRole('button', { name: 'Make' }).click();
		const token = await page.locator('code.token').innerText();
		w.ok(/^pgi_/.test(token), 'it is shown');
		const as = () => fetch(w.url + '/v1/syncs?select=name', { headers: { authorization: 'Bearer ' + token } });
		w.ok((await as()).status === 200, 'it is good');
		await w.axe('a token');
		await page.keyboard.press('Escape');
		await page.getByRole('cell', { name: HOSTILE }).waitFor();
		await page.locator('tr', { hasText: HOSTILE }).getByRole('button', { name: 'Revoke' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
		await page.getByText('Revoked, at once').waitFor();
		w.ok((await as()).status === 401, 'and is no more');
		w.ok(!(await page.content()).includes(token), 'nor is it in the page');
	});

	await w.journey('the keyboard goes everywhere', async () => {
		await w.go('/');
		await settled(page);
		await page.keyboard.press('g');
		await page.keyboard.press('t');
		await page.waitForFunction(() => location.hash === '#/tables');
		await page.getByRole('link', { name: 'customer', exact: true }).waitFor();
		await page.keyboard.press('j');
		await page.waitForTimeout(200);
		await page.keyboard.press('j');
		await page.waitForTimeout(200);
		await page.keyboard.press('k');
		await page.waitForTimeout(200);
		const first = await page.evaluate(() => document.activeElement.closest('tr')?.dataset.i);
		w.ok(first === '0', 'j and k walk', first);
		await page.keyboard.press('Enter');
		await page.waitForFunction(() => /^#\/tables\/\d+/.test(location.hash));
		await page.keyboard.press('g');
		await page.keyboard.press('t');
		await page.waitForFunction(() => location.hash === '#/tables');
		await settled(page);
		await page.keyboard.press('/');
		await page.keyboard.type('cust');
		await page.waitForFunction(() => location.hash.includes('q=cust'));
		await page.keyboard.press('Escape');
		await page.keyboard.press('?');
		await page.getByRole('dialog', { name: 'Keys' }).waitFor();
		await w.axe('keys');
		await page.keyboard.press('Escape');
		await page.keyboard.press('s');
		await page.keyboard.type('customer');
		await page.getByRole('option').first().waitFor();
		await page.keyboard.press('Enter');
		await page.waitForFunction(() => /^#\/tables\/\d+/.test(location.hash));
	});

	await w.journey('stored text is text on every page', async () => {
		const id = w.sql("SELECT id FROM ingest.source_table WHERE name LIKE '<img%'");
		w.sql(`SELECT ingest.subscribe('${HOSTILE}'), ingest.create_job('${HOSTILE}', 'sql', 'SELECT 1'), ingest.annotate('books.hostile', 'description', to_jsonb('${HOSTILE}'::text), by => '${HOSTILE}'), ingest.add_rule('books.hostile', 'in_set', '{id}', '{"values": [0]}');
			SELECT count(*) FROM ingest.check_quality('books.hostile'); SELECT ingest.set_lineage('books.hostile', format('mart.%I', '${HOSTILE}'))`, 'fin');
		const rule = w.sql("SELECT max(id) FROM ingest.rule");
		let shown = 0;
		for (const at of [...PAGES, `/tables/${id}`, `/tables/${id}?col=${encodeURIComponent('"><script>window.hurt=1</script>')}`, `/tables/${id}?tab=preview`, `/tables/${id}?tab=quality&rule=${rule}`, `/tables/${id}?tab=sql`, `/tables/${id}?tab=lineage`, `/tables/${id}?tab=drift`, '/lineage?object=books.hostile', '/runs?q=' + encodeURIComponent(HOSTILE)]) {
			await w.go(at);
			await settled(page);
			if ((await page.locator('main').innerText()).includes(HOSTILE)) shown++;
			w.ok(!(await page.evaluate(() => window.hurt || document.querySelector('main img, main script, main b b'))), `nothing became markup: ${at}`);
			await w.axe('full ' + at);
		}
		w.ok(shown >= 8, 'and it was shown', shown);
	});

	await w.journey('light and dark, wide and narrow', async () => {
		const id = w.sql("SELECT id FROM ingest.source_table WHERE name = 'customer'");
		for (const [width, height] of [[1440, 900], [1024, 768], [390, 844]])
			for (const colorScheme of ['light', 'dark']) {
				await page.setViewportSize({ width, height });
				await page.emulateMedia({ colorScheme });
				for (const at of ['/', '/tables', `/tables/${id}`, '/lineage', '/runs', '/quality', '/events', '/sinks']) {
					await w.go(at);
					await settled(page);
					const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
					w.ok(over <= 0, `${width} by ${height}, ${colorScheme}: ${at} fits`, over);
					if (width !== 1440 || colorScheme === 'dark') await w.axe(`${width} ${colorScheme} ${at}`);
				}
			}
		await page.setViewportSize({ width: 390, height: 844 });
		await page.getByRole('button', { name: 'Menu' }).click();
		await page.getByRole('link', { name: 'Runs' }).click();
		await page.waitForFunction(() => location.hash === '#/runs');
		await page.setViewportSize({ width: 1440, height: 900 });
		await page.emulateMedia({ colorScheme: 'light' });
	});

	await w.journey('a lost connection is said, and taken up again without a reload', async () => {
		await w.go('/');
		await settled(page);
		await page.evaluate(() => { window.same = true; });
		await w.stopGateway();
		await page.getByText('Connection lost').waitFor({ timeout: 40000 });
		await w.axe('a lost connection');
		w.ok(await page.locator('.tiles').isVisible(), 'what was there stays');
		await w.startGateway();
		await page.getByText('Connection lost').waitFor({ state: 'detached', timeout: 40000 });
		await page.getByText('Live', { exact: true }).first().waitFor({ timeout: 40000 });
		w.sql("SELECT ingest.emit('com.example.after', 'x', '{}')", 'fin');
		await w.go('/events');
		await page.getByRole('button', { name: 'com.example.after' }).waitFor();
		w.ok(await page.evaluate(() => window.same), 'it is the same page');
	});

	await w.journey('a session that ended is taken up where one was', async () => {
		await w.go('/tables?q=cust');
		await settled(page);
		w.sql("UPDATE ingest_api_internal.session SET expires_at = now() - interval '1 second'");
		await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor({ timeout: 60000 });
		await w.axe('an expired session');
		await page.keyboard.press('Escape');
		await page.getByRole('alert').getByText('Your session has ended').waitFor();
		await page.getByRole('button', { name: 'Log in again' }).click();
		await page.getByLabel('Token').fill(w.sql("SELECT ingest_api.create_token('again', scopes => '{admin}')", 'fin'));
		await page.getByRole('button', { name: 'Log in' }).click();
		await page.getByRole('dialog').waitFor({ state: 'detached' });
		w.ok(page.url().endsWith('#/tables?q=cust'), 'one is where one was', page.url());
		await page.getByRole('link', { name: 'customer', exact: true }).waitFor();
	});

	await w.journey('one logs out', async () => {
		await page.getByRole('button', { name: 'Log out' }).click();
		await page.getByLabel('Token').waitFor();
		w.ok((await page.evaluate(async () => (await fetch('/v1/syncs')).status)) === 401, 'and is nobody');
		w.ok(w.sql('SELECT count(*) FROM ingest_api_internal.session WHERE expires_at > now()') === '0', 'there is no session');
	});

	await w.journey('who may only read sees no button that does something', async () => {
		await w.context.close();
		page = await w.logIn('reader');
		for (const at of ['/sources', '/tables', '/runs?tab=jobs', '/quality', '/tokens', '/events', '/']) {
			await w.go(at);
			await settled(page);
		}
		w.ok((await page.getByText('Polling').count()) + (await page.getByText('Live').count()) > 0, 'it shows how current it is');
	});

	await w.journey('what is sent', async () => {
		w.ok([...w.origins].every((o) => o === w.url), 'no request leaves the console\'s own origin', [...w.origins].join());
		w.ok(!w.violations.length, 'nothing that the policy forbids', w.violations.join('\n'));
		w.ok(!w.errors.length, 'no error', w.errors.join('\n'));
	});
	await w.end();
})().catch((error) => { console.log(JSON.stringify({ ok: false, name: 'journeys', more: String(error.stack) })); process.exit(1); });
